/* What is written out piece by piece, as one text.
 * SPDX-License-Identifier: MIT */
#ifndef EDDY_TEST_COMMON_TEXT_H
#define EDDY_TEST_COMMON_TEXT_H

#include "common/test.h"

typedef struct text {
    char bytes[64 * 1024];
    size_t length;
} text_t;

/* What eddy_stats_json, mi_register_output and their like call; the argument is a text_t. */
static inline void text_append(const char *piece, void *argument) {
    text_t *text = argument;
    size_t length = strlen(piece);
    assert_true(text->length + length < sizeof text->bytes);
    memcpy(text->bytes + text->length, piece, length + 1);
    text->length += length;
}

#endif
