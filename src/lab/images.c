/* Labelled images in files of the form IDX, which MNIST and its like come in (LeCun et al. 1998). */
#include "lab/data.h"

#define IDX_IMAGES 0x00000803u /* bytes in three dimensions */
#define IDX_LABELS 0x00000801u /* and in one */

static uint32_t word_at(glossa_text file, size_t at) {
    const uint8_t *bytes = (const uint8_t *)file.data + at;
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

/* Checks the head of a file: the bytes of each entry, and how many entries there are. */
static glossa_status read_head(const char *name, glossa_text file, uint32_t magic, uint32_t *count, size_t *each,
                               glossa_error *error) {
    const size_t dims = magic & 0xFF, head = 4 + 4 * dims;
    size_t size;
    FAIL_IF(file.size < 4 || word_at(file, 0) != magic, error, GLOSSA_ERROR_FORMAT,
            "%s is no IDX file of %s: it begins with 0x%x, need 0x%x%s", name,
            magic == IDX_IMAGES ? "images" : "labels", file.size < 4 ? 0u : (unsigned)word_at(file, 0), (unsigned)magic,
            file.size > 1 && (uint8_t)file.data[0] == 0x1F && (uint8_t)file.data[1] == 0x8B
                ? ". It is compressed with gzip; unpack it first"
                : "");
    FAIL_IF(file.size < head, error, GLOSSA_ERROR_FORMAT, "%s ends within its head", name);
    *count = word_at(file, 4);
    *each = 1;
    for (size_t i = 1; i < dims; i++)
        FAIL_IF(word_at(file, 4 + 4 * i) == 0 || !glossa_mul_size(*each, word_at(file, 4 + 4 * i), each), error,
                GLOSSA_ERROR_FORMAT, "%s has images without pixels, or with too many", name);
    FAIL_IF(*count == 0 || !glossa_mul_size(*count, *each, &size) || file.size - head != size, error,
            GLOSSA_ERROR_FORMAT, "%s has %zu bytes behind its head, need %u times %zu", name, file.size - head,
            (unsigned)*count, *each);
    return GLOSSA_OK;
}

glossa_status glossa_lab_data_idx(glossa_lab_data *data, bool held_out, const char *images_name, glossa_text images,
                                  const char *labels_name, glossa_text labels, glossa_error *error) {
    uint32_t count, labelled;
    size_t each, one;
    FORWARD(read_head(images_name, images, IDX_IMAGES, &count, &each, error));
    FORWARD(read_head(labels_name, labels, IDX_LABELS, &labelled, &one, error));
    FAIL_IF(count != labelled, error, GLOSSA_ERROR_FORMAT, "%s has %u images, but %s has %u labels", images_name,
            (unsigned)count, labels_name, (unsigned)labelled);
    const uint8_t *pixels = (const uint8_t *)images.data + 16, *classes = (const uint8_t *)labels.data + 8;
    for (uint32_t i = 0; i < count; i++) {
        const char text[] = {(char)('0' + classes[i] / 100), (char)('0' + classes[i] / 10 % 10),
                             (char)('0' + classes[i] % 10)};
        const size_t skipped = classes[i] < 10 ? 2 : classes[i] < 100 ? 1 : 0;
        FORWARD(glossa_lab_data_image(data, held_out, pixels + i * each, each,
                                      (glossa_text){text + skipped, sizeof text - skipped}, error));
    }
    return GLOSSA_OK;
}
