#include "lab/task.h"

#include <string.h>

#include "base/random.h"

#define PURPOSE_TRAIN    300 /* of the random streams */
#define PURPOSE_HELD_OUT 301
#define HELD_OUT_SHARE   8 /* one string of so many */
#define MOST_TRIES       1000

typedef struct glossa_task_draw {
    glossa_random *random;
    uint32_t shortest, longest;
} draw;

static uint32_t below(const draw *d, uint32_t limit) {
    return glossa_random_below(d->random, limit);
}

static uint32_t length_of(const draw *d) {
    return d->shortest + below(d, d->longest - d->shortest + 1);
}

/* ---- strings of digits ------------------------------------------------------------------------------------------ */

static size_t digits(const draw *d, char *text) {
    const size_t length = length_of(d);
    for (size_t i = 0; i < length; i++)
        text[i] = (char)('0' + below(d, 10));
    text[length] = 0;
    return length;
}

static void make_copy(const draw *d, char *source, char *target) {
    memcpy(target, source, digits(d, source) + 1);
}

static void make_reverse(const draw *d, char *source, char *target) {
    const size_t length = digits(d, source);
    for (size_t i = 0; i < length; i++)
        target[i] = source[length - 1 - i];
    target[length] = 0;
}

static void make_sort(const draw *d, char *source, char *target) {
    const size_t length = digits(d, source);
    size_t at = 0;
    for (int digit = '0'; digit <= '9'; digit++)
        for (size_t i = 0; i < length; i++)
            if (source[i] == digit) target[at++] = (char)digit;
    target[at] = 0;
}

/* ---- numbers ---------------------------------------------------------------------------------------------------- */

static char *put_text(char *at, const char *text) {
    while (*text)
        *at++ = *text++;
    *at = 0;
    return at;
}

/* At least `width` digits. */
static char *put_number(char *at, uint32_t number, size_t width) {
    char text[12];
    size_t first = sizeof text - 1;
    text[first] = 0;
    for (; number > 0 || sizeof text - 1 - first < (width > 0 ? width : 1); number /= 10)
        text[--first] = (char)('0' + number % 10);
    return put_text(at, text + first);
}

/* A number of 1 to `longest` digits without zeros in front, least digit first. */
static size_t summand(const draw *d, char *digit) {
    const size_t length = length_of(d);
    for (size_t i = 0; i < length; i++)
        digit[i] = (char)below(d, 10);
    if (length > 1 && digit[length - 1] == 0) digit[length - 1] = (char)(1 + below(d, 9));
    return length;
}

static char *put_digits(char *at, const char *digit, size_t length) {
    while (length > 0)
        *at++ = (char)('0' + digit[--length]);
    *at = 0;
    return at;
}

static void make_addition(const draw *d, char *source, char *target) {
    char a[GLOSSA_TASK_TEXT / 2] = {0}, b[GLOSSA_TASK_TEXT / 2] = {0}, sum[GLOSSA_TASK_TEXT / 2];
    const size_t m = summand(d, a), n = summand(d, b), most = m > n ? m : n;
    put_digits(put_text(put_digits(source, a, m), "+"), b, n);
    int carry = 0;
    for (size_t i = 0; i < most; i++, carry /= 10) {
        carry += a[i] + b[i];
        sum[i] = (char)(carry % 10);
    }
    sum[most] = (char)carry;
    put_digits(target, sum, most + (carry > 0));
}

static void make_roman(const draw *d, char *source, char *target) {
    static const struct {
        uint32_t value;
        const char *sign;
    } signs[] = {{1000, "M"}, {900, "CM"}, {500, "D"}, {400, "CD"}, {100, "C"}, {90, "XC"}, {50, "L"},
                 {40, "XL"},  {10, "X"},   {9, "IX"},  {5, "V"},    {4, "IV"},  {1, "I"}};
    uint32_t number = 1 + below(d, 3999);
    put_number(source, number, 1);
    *target = 0;
    for (size_t i = 0; i < sizeof signs / sizeof *signs; i++)
        for (; number >= signs[i].value; number -= signs[i].value)
            target = put_text(target, signs[i].sign);
}

/* ---- dates ------------------------------------------------------------------------------------------------------ */

static const char *const months[] = {"January", "February", "March",     "April",   "May",      "June",
                                     "July",    "August",   "September", "October", "November", "December"};

static uint32_t days_of(uint32_t month, uint32_t year) {
    static const uint32_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    const bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return days[month] + (month == 1 && leap);
}

/* Six ways to write a date, all of which tell day and month apart, to ISO 8601. */
static void make_date(const draw *d, char *source, char *target) {
    const uint32_t year = 1900 + below(d, 200), month = below(d, 12), day = 1 + below(d, days_of(month, year));
    char name[16];
    put_text(name, months[month]);
    const uint32_t way = below(d, 6);
    if (way == 1 || way == 3) name[3] = 0; /* May as well */
    switch (way) {
    case 0: /* 12 March 1999 */
    case 1: /* 12 Mar 1999 */
        source = put_text(put_text(put_number(source, day, 1), " "), name);
        put_number(put_text(source, " "), year, 4);
        break;
    case 2: /* March 12, 1999 */
    case 3: /* Mar 12, 1999 */
        source = put_number(put_text(put_text(source, name), " "), day, 1);
        put_number(put_text(source, ", "), year, 4);
        break;
    case 4: /* 12.3.1999 */
        source = put_number(put_text(put_number(source, day, 1), "."), month + 1, 1);
        put_number(put_text(source, "."), year, 4);
        break;
    default: /* 1999/03/12 */
        source = put_number(put_text(put_number(source, year, 4), "/"), month + 1, 2);
        put_number(put_text(source, "/"), day, 2);
        break;
    }
    target = put_number(put_text(put_number(target, year, 4), "-"), month + 1, 2);
    put_number(put_text(target, "-"), day, 2);
}

/* ---- Pig Latin -------------------------------------------------------------------------------------------------- */

static const char *pick(const draw *d, const char *const *from, uint32_t count) {
    return from[below(d, count)];
}

#define PICK(d, list) pick((d), (list), (uint32_t)(sizeof(list) / sizeof *(list)))

/* A word of one to three made-up syllables; one in four begins with its vowel. */
static char *put_word(const draw *d, char *at) {
    static const char *const onsets[] = {"b",  "c",  "d",  "f",  "g",  "h",  "j",  "k",  "l",   "m",  "n",  "p",
                                         "r",  "s",  "t",  "v",  "w",  "z",  "bl", "br", "ch",  "cl", "cr", "dr",
                                         "fl", "fr", "gr", "pl", "pr", "sh", "sl", "st", "str", "th", "tr"};
    static const char *const vowels[] = {"a", "e", "i", "o", "u", "ai", "ea", "ee", "oa", "oo"};
    static const char *const codas[] = {"", "", "", "n", "r", "t", "s", "l", "m", "ck", "ng", "st"};
    const uint32_t syllables = 1 + below(d, 3);
    for (uint32_t i = 0; i < syllables; i++) {
        if (i > 0 || below(d, 4) > 0) at = put_text(at, PICK(d, onsets));
        at = put_text(at, PICK(d, vowels));
        at = put_text(at, PICK(d, codas));
    }
    return at;
}

static bool is_vowel(char letter) {
    return strchr("aeiou", letter) != NULL; /* never the NUL: every word has a vowel */
}

/* "trash" to "ashtray", "eagle" to "eagleway". */
static char *put_pig_latin(const char *word, char *at) {
    const char *vowel = word;
    while (!is_vowel(*vowel))
        vowel++;
    at = put_text(at, vowel);
    for (const char *c = word; c < vowel; c++)
        *at++ = *c;
    return put_text(at, vowel == word ? "way" : "ay");
}

static void make_pig_latin(const draw *d, char *source, char *target) {
    const uint32_t words = d->shortest + below(d, d->longest - d->shortest + 1);
    for (uint32_t i = 0; i < words; i++) {
        if (i > 0) source = put_text(source, " "), target = put_text(target, " ");
        const char *word = source;
        source = put_word(d, source);
        target = put_pig_latin(word, target);
    }
}

/* ---- the list --------------------------------------------------------------------------------------------------- */

#define LETTERS "abcdefghijklmnopqrstuvwxyz"

static const glossa_task tasks[] = {
    {"copy", "0123456789", make_copy, 1, 0, 1, 0, 1, 12},
    {"reverse", "0123456789", make_reverse, 1, 0, 1, 0, 1, 12},
    {"sort", "0123456789", make_sort, 1, 0, 1, 0, 1, 12},
    {"addition", "0123456789+", make_addition, 2, 1, 1, 1, 1, 3},
    {"dates", "0123456789 ,./-ADFJMNOSabceghilmnoprstuvy", make_date, 0, 18, 0, 10, 1, 1},
    {"roman", "0123456789IVXLCDM", make_roman, 0, 4, 0, 15, 1, 1},
    {"pig-latin", " " LETTERS, make_pig_latin, 22, 0, 25, 0, 1, 2},
};

const glossa_task *glossa_task_find(const char *name) {
    for (size_t i = 0; i < sizeof tasks / sizeof *tasks; i++)
        if (strcmp(tasks[i].name, name) == 0) return &tasks[i];
    return NULL;
}

/* FNV-1a, mixed so that its low bits depend on every character. */
static bool is_held_out(const char *text) {
    uint32_t hash = 2166136261u;
    for (; *text; text++)
        hash = (hash ^ (uint8_t)*text) * 16777619u;
    hash ^= hash >> 16;
    hash *= 0x85EBCA6Bu;
    return (hash >> 13) % HELD_OUT_SHARE == 0;
}

void glossa_task_make(const glossa_task *task, const glossa_lab_config *config, bool held_out, uint32_t index,
                      char *source, char *target) {
    glossa_random random = glossa_random_start(config->seed, held_out ? PURPOSE_HELD_OUT : PURPOSE_TRAIN, index);
    const draw d = {&random, config->shortest, config->longest};
    for (int tries = 0; tries < MOST_TRIES; tries++) {
        task->make(&d, source, target);
        if (is_held_out(source) == held_out) return;
    }
}

uint32_t glossa_task_vocabulary(const glossa_task *task) {
    return TASK_CHARACTERS + (uint32_t)strlen(task->characters);
}

uint32_t glossa_task_token(const glossa_task *task, char character) {
    const char *place = character ? strchr(task->characters, character) : NULL;
    return place ? TASK_CHARACTERS + (uint32_t)(place - task->characters) : TASK_UNK;
}

size_t glossa_task_encode(const glossa_task *task, const char *text, uint32_t *ids) {
    size_t count = 0;
    for (; *text; text++)
        ids[count++] = glossa_task_token(task, *text);
    ids[count++] = TASK_EOS;
    return count;
}

uint64_t glossa_task_longest_source(const glossa_task *task, const glossa_lab_config *config) {
    return (uint64_t)task->source_factor * config->longest + task->source_extra;
}

uint64_t glossa_task_longest_target(const glossa_task *task, const glossa_lab_config *config) {
    return (uint64_t)task->target_factor * config->longest + task->target_extra;
}
