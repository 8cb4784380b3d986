/*
 * JSON: what is sound and what not (RFC 8259), walking it, strings; and a lab's config made of it.
 */
#include "base/json.h"
#include "base/number.h"
#include "check.h"
#include "glossa_lab.h"

static glossa_text text_of(const char *text) {
    return (glossa_text){text, strlen(text)};
}

static void test_sound(void) {
    static const char *const sound[] = {
        "{}",
        "[]",
        " [ ] ",
        "0",
        "-0",
        "-1.5e+10",
        "1E5",
        "0.0",
        "true",
        "false",
        "null",
        "\"\"",
        "\"a\\u00e9\\n\\\"\"",
        "{\"a\":1,\"b\":[{},[],\"x\"]}",
        "\t{\"a\" :\r\n{ \"b\": [1 , 2]} }\n",
        "\"\xC3\xA9\xF0\x9F\x98\x80\"",
        "[[[[1]]]]",
        "\"\\uD83D\\uDE00\"",
        "\"\\ud800\"",
        "[\"]\",\"}\",\"\\\\\"]",
    };
    static const struct {
        const char *text;
        size_t fault;
    } broken[] = {
        {"", 0},          {" ", 1},         {"{", 1},         {"[1,]", 3},     {"{\"a\":1,}", 7}, {"{a:1}", 1},
        {"01", 1},        {"1.", 2},        {".5", 0},        {"+1", 0},       {"1e", 2},         {"tru", 3},
        {"nulls", 4},     {"[1 2]", 3},     {"{\"a\" 1}", 5}, {"{\"a\":}", 5}, {"\"a", 2},        {"\"\\x\"", 2},
        {"\"\\u12\"", 5}, {"\"\n\"", 1},    {"\"\xFF\"", 1},  {"[1]]", 3},     {"{}{}", 2},       {"[", 1},
        {"[}", 1},        {"{\"a\":1]", 6}, {"'a'", 0},       {"NaN", 0},      {"-", 1},          {"[,1]", 1},
    };
    size_t fault;
    for (size_t i = 0; i < sizeof sound / sizeof *sound; i++) {
        const bool is_sound = glossa_json_check(text_of(sound[i]), &fault);
        CHECK(is_sound);
        if (!is_sound) fprintf(stderr, "  %s\n", sound[i]);
    }
    for (size_t i = 0; i < sizeof broken / sizeof *broken; i++) {
        const int before = check_failures;
        CHECK(!glossa_json_check(text_of(broken[i].text), &fault));
        CHECK_INT(fault, broken[i].fault);
        if (check_failures > before) fprintf(stderr, "  %s\n", broken[i].text);
    }
    char deep[2 * GLOSSA_JSON_DEPTH + 3] = "";
    memset(deep, '[', GLOSSA_JSON_DEPTH);
    memset(deep + GLOSSA_JSON_DEPTH, ']', GLOSSA_JSON_DEPTH);
    CHECK(glossa_json_check(text_of(deep), &fault));
    memset(deep, '[', GLOSSA_JSON_DEPTH + 1);
    memset(deep + GLOSSA_JSON_DEPTH + 1, ']', GLOSSA_JSON_DEPTH + 1);
    CHECK(!glossa_json_check((glossa_text){deep, 2 * GLOSSA_JSON_DEPTH + 2}, &fault));
    CHECK_INT(fault, GLOSSA_JSON_DEPTH);
}

static void test_walking(void) {
    const glossa_text object = text_of("{ \"a\" : 1 , \"b\\\"\" : [ 2 , \"],\" ] , \"c\" : { } , \"d\": -0.5e3 }");
    const char *const keys[] = {"a", "b\\\"", "c", "d"}, *const values[] = {"1", "[ 2 , \"],\" ]", "{ }", "-0.5e3"};
    const glossa_json_kind kinds[] = {JSON_NUMBER, JSON_ARRAY, JSON_OBJECT, JSON_NUMBER};
    glossa_text key, value, list = {0};
    size_t at = 0, count = 0;
    for (; glossa_json_next(object, &at, &key, &value) && count < 4; count++) {
        CHECK_TEXT(key, keys[count]);
        CHECK_TEXT(value, values[count]);
        CHECK_INT(glossa_json_kind_of(value), kinds[count]);
        if (count == 1) list = value;
    }
    CHECK_INT(count, 4);
    at = 0;
    CHECK(glossa_json_next(list, &at, &key, &value));
    CHECK_TEXT(value, "2");
    CHECK(glossa_json_next(list, &at, &key, &value));
    CHECK_TEXT(value, "\"],\"");
    CHECK(!glossa_json_next(list, &at, &key, &value));
    at = 0;
    CHECK(!glossa_json_next(text_of("[ ]"), &at, &key, &value));
    at = 0;
    CHECK(!glossa_json_next(text_of("{}"), &at, &key, &value));
}

static void test_strings(void) {
    char out[64];
    CHECK(glossa_json_string(text_of("\"a\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\u4E2D\\uD83D\\uDE00\\ud800x\""), out,
                             sizeof out));
    CHECK_STRING(out, "a\"\\/\b\f\n\r\t\xC3\xA9\xE4\xB8\xAD\xF0\x9F\x98\x80\xEF\xBF\xBDx");
    CHECK(glossa_json_string(text_of("\"\""), out, 1));
    CHECK_STRING(out, "");
    CHECK(glossa_json_string(text_of("\"abc\""), out, 4));
    CHECK(!glossa_json_string(text_of("\"abcd\""), out, 4));
    CHECK(!glossa_json_string(text_of("\"a\\u0000\""), out, sizeof out));
}

/* ---- configs ---- */

static void test_configs(void) {
    glossa_lab_config config;
    glossa_error error = {GLOSSA_OK, ""};
    glossa_lab_defaults(&config);
    const char *json =
        "{\"lr\": 0.01, \"model\": {\"d_model\": 96, \"ffn\": 192, \"heads\": 3, \"norm\": \"pre\","
        "\"start\": \"zero-vector\", \"output_bias\": false}, \"training\": {\"steps\": 7},"
        "\"bleu\": {\"tokenize\": \"zh\"}, \"source\": \"en\", \"train\": [\"a.tsv\"], \"preset\": \"tutorial\"}";
    CHECK_INT(glossa_lab_configure(&config, text_of(json), &error), GLOSSA_OK);
    CHECK_STRING(error.message, "");
    CHECK_NEAR(config.learning_rate, 0.01, 0);
    CHECK_INT(config.width, 96);
    CHECK_INT(config.feed_forward, 192);
    CHECK_INT(config.heads, 3);
    CHECK_INT(config.norm, 1);
    CHECK_INT(config.start, 1);
    CHECK_INT(config.output_bias, 0);
    CHECK_INT(config.steps, 7);
    CHECK_INT(config.bleu, 2);
    CHECK_INT(config.encoder_layers, 6);      /* the preset came first, though it stands last */
    CHECK_NEAR(config.label_smoothing, 0, 0); /* nothing of the preset for pairs beneath it */
    CHECK_NEAR(config.sampling_share, 0, 0);
    CHECK_NEAR(config.cooldown, 0, 0);
    glossa_lab_defaults(&config);
    CHECK_INT(glossa_lab_configure(&config, text_of("{\"steps\": 3, \"task\": \"copy\"}"), &error), GLOSSA_OK);
    CHECK_INT(config.width, 64);
    CHECK_STRING(config.task, "copy");
    CHECK_INT(glossa_lab_configure(&config, text_of("{}"), &error), GLOSSA_OK);
    CHECK_INT(config.width, 128); /* the preset for pairs */
}

static void test_bad_configs(void) {
    static const struct {
        const char *json, *message;
    } bad[] = {
        {"{\"copying\": 0.15}", "config: key 'copying' is none that this trainer knows"},
        {"{\"model\": {\"experts\": 4}}", "config: key 'experts' is none that this trainer knows"},
        {"{\"model\": []}", "config: key 'model' is [], need an object of settings"},
        {"{\"lr\": null}", "config: key 'lr' is null, need a number or a name"},
        {"{\"lr\": \"fast\"}", "setting 'learning_rate' is 'fast', need a number"},
        {"{\"average\": 6}", "setting 'average' is '6', need 0 or more and below 1"},
        {"{\"bleu\": {\"lowercase\": true}}", "config: key 'bleu.lowercase' is none that this trainer knows"},
        {"{\"preset\": []}", "config: key 'preset' is [], need a name"},
        {"{\n\"lr\": 1,\n}", "config: no JSON: line 3, at byte 12 of the file"},
        {"3", "config: it is 3, need an object"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        glossa_lab_config config;
        glossa_error error = {GLOSSA_OK, ""};
        glossa_lab_defaults(&config);
        CHECK(glossa_lab_configure(&config, text_of(bad[i].json), &error) != GLOSSA_OK);
        CHECK_CONTAINS(error.message, bad[i].message);
    }
}

/* ---- curves ---- */

typedef struct picture {
    char text[16384];
    size_t size;
} picture;

static bool keep(void *user, const void *bytes, size_t size) {
    picture *p = user;
    if (size >= sizeof p->text - p->size) return false;
    memcpy(p->text + p->size, bytes, size);
    p->size += size;
    p->text[p->size] = 0;
    return true;
}

static void test_charts(void) {
    static picture p;
    glossa_error error;
    const glossa_lab_point points[] = {
        {100, 4, -1, -1, 1e-4}, {200, 3, 2.302585093, 12.5, 2e-4}, {400, 1, 0, 50, 1e-4}};
    CHECK_INT(glossa_lab_chart(points, 3, (glossa_sink){keep, &p}, &error), GLOSSA_OK);
    CHECK_CONTAINS(p.text, "M128 36L200 80L344 168"); /* loss 4, 3, 1 of 0 to 4 at a quarter, a half, all */
    CHECK_CONTAINS(p.text, ">2e-4</text>");
    CHECK_CONTAINS(p.text, ">step 400</text>");
    CHECK_CONTAINS(p.text, ">10</text>"); /* perplexity */
    p.size = 0;
    CHECK_INT(glossa_lab_chart(NULL, 0, (glossa_sink){keep, &p}, &error), GLOSSA_OK);
    CHECK_CONTAINS(p.text, "not measured");
    const glossa_lab_point odd[] = {{1, NAN, INFINITY, 1e300, 5}, {1, 5, 5, -3, 5}, {2, 5 + 1e-15, 5, -1, 1e-310}};
    p.size = 0;
    CHECK_INT(glossa_lab_chart(odd, 3, (glossa_sink){keep, &p}, &error), GLOSSA_OK);
    CHECK_INT(glossa_lab_chart(points + 2, 1, (glossa_sink){keep, &(picture){.size = 16000}}, &error), GLOSSA_ERROR_IO);
    const glossa_lab_point falling[] = {{2, 1, 1, 1, 1}, {1, 1, 1, 1, 1}};
    CHECK_INT(glossa_lab_chart(falling, 2, (glossa_sink){keep, &p}, &error), GLOSSA_ERROR_ARGUMENT);
}

/* What the digits say, as the compiler rounds them: to the bit in the range of settings, and close beyond it. */
static void test_numbers(void) {
    static const struct {
        const char *text;
        double value;
        double off; /* at most, as a share */
    } sound[] = {
#define SAME(x) {#x, x, 0}
#define NEAR(x) {#x, x, 4e-16}
        SAME(0),
        SAME(0.1),
        SAME(1e-9),
        SAME(5e-9),
        SAME(0.0007),
        SAME(0.9995),
        SAME(0.98),
        SAME(123456789.5),
        SAME(1e22),
        SAME(1E+2),
        SAME(3.),
        SAME(.5),
        SAME(00012.50),
        SAME(4294967295),
        SAME(-2.5e-3),
        SAME(1e-22),
        SAME(1e-5),
        SAME(0.30000000000000),
        NEAR(1e-300),
        NEAR(2.5e300),
        NEAR(1e23),
        NEAR(1e-31),
        NEAR(3.1415926535897932384626433),
        NEAR(179769313486231570000000.0),
        NEAR(0.00000000000000000000000000000000012345),
    };
    static const char *const broken[] = {"",     "-",   ".",   "e5",   "1e",  "1e+", "1 ",   " 1",
                                         "0x10", "nan", "inf", "1..2", "1,5", "--1", "1e5.0"};
    double value;
    for (size_t i = 0; i < sizeof sound / sizeof *sound; i++) {
        CHECK(glossa_parse_number(sound[i].text, &value));
        CHECK(fabs(value - sound[i].value) <= sound[i].off * fabs(sound[i].value));
    }
    for (size_t i = 0; i < sizeof broken / sizeof *broken; i++)
        CHECK(!glossa_parse_number(broken[i], &value));
    CHECK(glossa_parse_number("1e400", &value) && value > 1e308);
    CHECK(glossa_parse_number("1e99999999999", &value) && value > 1e308);
    CHECK(glossa_parse_number("1e-99999999999", &value) && value == 0);
    CHECK(glossa_parse_number("0e99999", &value) && value == 0);
}

int main(void) {
    RUN(test_numbers);
    RUN(test_sound);
    RUN(test_walking);
    RUN(test_strings);
    RUN(test_configs);
    RUN(test_bad_configs);
    RUN(test_charts);
    return CHECK_RESULT();
}
