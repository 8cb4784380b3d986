#include "base/random.h"
#include "check.h"

/* Known answers of the reference implementation (Random123, kat_vectors, philox4x32 10). */
static void test_known_answers(void) {
    static const struct {
        uint32_t counter[4];
        uint64_t key;
        uint32_t words[4];
    } known[] = {
        {{0, 0, 0, 0}, 0, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
        {{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff},
         0xffffffffffffffffu,
         {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
        {{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
         0x299f31d0a4093822u,
         {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        uint32_t words[4];
        glossa_philox(known[i].key, known[i].counter, words);
        for (size_t j = 0; j < 4; j++)
            CHECK_INT(words[j], known[i].words[j]);
    }
}

static void test_a_run_is_one_counter_after_the_other(void) {
    enum { BLOCKS = 21 };
    uint32_t many[4 * BLOCKS];
    glossa_philox_run(42, (const uint32_t[]){7, 1, 2, 3}, BLOCKS, many);
    for (uint32_t i = 0; i < BLOCKS; i++) {
        uint32_t one[4];
        glossa_philox(42, (const uint32_t[]){7 + i, 1, 2, 3}, one);
        for (size_t j = 0; j < 4; j++)
            CHECK_INT(many[4 * i + j], one[j]);
    }
}

static void test_streams(void) {
    glossa_random a = glossa_random_start(1, 2, 3), same = a, other = glossa_random_start(1, 2, 4);
    size_t equal = 0;
    for (int i = 0; i < 100; i++) {
        const uint32_t word = glossa_random_word(&a);
        CHECK_INT(glossa_random_word(&same), word);
        equal += glossa_random_word(&other) == word;
    }
    CHECK_INT(equal, 0);
    CHECK(glossa_unit(0) == 0.0f);
    CHECK(glossa_unit(UINT32_MAX) < 1.0f);
}

/* Chi squared of ten classes, 9 degrees of freedom: below 27.9 in 99.9 % of cases. */
static void test_numbers_below_a_limit(void) {
    enum { LIMIT = 10, DRAWS = 100000 };
    glossa_random random = glossa_random_start(5, 0, 0);
    int counts[LIMIT] = {0};
    for (int i = 0; i < DRAWS; i++)
        counts[glossa_random_below(&random, LIMIT)]++;
    double chi = 0;
    for (int i = 0; i < LIMIT; i++)
        chi += (counts[i] - DRAWS / LIMIT) * (double)(counts[i] - DRAWS / LIMIT) / (DRAWS / LIMIT);
    CHECK(chi < 27.9);
    for (int i = 0; i < 100; i++)
        CHECK(glossa_random_below(&random, 1) == 0);
    for (int i = 0; i < 1000; i++) /* a limit of which a quarter of the words is left over */
        CHECK(glossa_random_below(&random, 0xC0000000u) < 0xC0000000u);
}

int main(void) {
    RUN(test_known_answers);
    RUN(test_a_run_is_one_counter_after_the_other);
    RUN(test_streams);
    RUN(test_numbers_below_a_limit);
    return CHECK_RESULT();
}
