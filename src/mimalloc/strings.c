/* Copies of strings, in a heap or in the default one.
 * SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "mimalloc/layer.h"

/* `length` bytes in a block with room for one more; NULL for a block that is NULL. */
static char *fill(char *block, const char *text, size_t length) {
    if (block == NULL) return NULL;
    memcpy(block, text, length);
    block[length] = '\0';
    return block;
}

char *mi_strndup(const char *text, size_t most) {
    if (text == NULL) return NULL;
    size_t length = strnlen(text, most);
    return fill(eddy_malloc(length + 1), text, length);
}

char *mi_heap_strndup(mi_heap_t *heap, const char *text, size_t most) {
    if (text == NULL) return NULL;
    size_t length = strnlen(text, most);
    return fill(eddy_heap_malloc(of_heap(heap), length + 1), text, length);
}

char *mi_strdup(const char *text) { return mi_strndup(text, SIZE_MAX); }

char *mi_heap_strdup(mi_heap_t *heap, const char *text) {
    return mi_heap_strndup(heap, text, SIZE_MAX);
}

unsigned char *mi_mbsdup(const unsigned char *text) {
    return (unsigned char *)mi_strdup((const char *)text);
}

wchar_t *mi_wcsdup(const wchar_t *text) {
    if (text == NULL) return NULL;
    size_t count = wcslen(text) + 1;
    wchar_t *copy = eddy_mallocn(count, sizeof *text);
    return copy == NULL ? NULL : wmemcpy(copy, text, count);
}

char *mi_heap_realpath(mi_heap_t *heap, const char *name, char *resolved) {
    if (resolved != NULL) return realpath(name, resolved);
    /* The C library's block: its malloc need not be Eddy's. */
    char *found = realpath(name, NULL);
    char *copy = mi_heap_strdup(heap, found);
    free(found);
    return copy;
}

char *mi_realpath(const char *name, char *resolved) {
    return mi_heap_realpath(heap_of(eddy_heap_get_default()), name, resolved);
}

int mi_dupenv_s(char **copy, size_t *size, const char *name) {
    if (copy == NULL || name == NULL) return EINVAL;
    const char *value = getenv(name);
    *copy = mi_strdup(value);
    if (size != NULL) *size = *copy == NULL ? 0 : strlen(*copy);
    return value != NULL && *copy == NULL ? ENOMEM : 0;
}
