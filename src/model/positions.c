#include "model/positions.h"

#include "kernels/kernels.h"

void glossa_sinusoids(const glossa_config *config, size_t start, size_t count, float *table) {
    const size_t d = config->d, half = d / 2;
    const bool interleaved = config->position == POSITION_SINUSOID_INTERLEAVED;
    const size_t divisor = config->position == POSITION_SINUSOID_MARIAN && half > 1 ? half - 1 : half;
    const double log_base = 9.210340371976184; /* ln 10000 */
    for (size_t j = 0; j < half; j++) {
        const double rate = glossa_exp64(-log_base * (double)j / (double)divisor);
        for (size_t p = start; p < start + count; p++) {
            double sine, cosine;
            glossa_sin_cos64((double)p * rate, &sine, &cosine);
            table[p * d + (interleaved ? 2 * j : j)] = (float)sine;
            table[p * d + (interleaved ? 2 * j + 1 : half + j)] = (float)cosine;
        }
    }
}
