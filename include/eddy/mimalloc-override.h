/* Included in a source file, it makes the standard names mean mimalloc's. Blocks of code that was
 * compiled without it must not be freed here, nor the other way round - unless all of it runs on
 * Eddy, where the two kinds of names share their blocks.
 *
 * SPDX-License-Identifier: MIT */
#ifndef EDDY_MIMALLOC_OVERRIDE_H
#define EDDY_MIMALLOC_OVERRIDE_H

/* Before the names change. */
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include "mimalloc.h"

/* C */
#define malloc(size) mi_malloc(size)
#define calloc(count, size) mi_calloc(count, size)
#define realloc(block, size) mi_realloc(block, size)
#define free(block) mi_free(block)
#define aligned_alloc(alignment, size) mi_aligned_alloc(alignment, size)

/* POSIX, GNU, BSD */
#define strdup(text) mi_strdup(text)
#define strndup(text, most) mi_strndup(text, most)
#define realpath(name, resolved) mi_realpath(name, resolved)
#define posix_memalign(block, alignment, size) mi_posix_memalign(block, alignment, size)
#define memalign(alignment, size) mi_memalign(alignment, size)
#define valloc(size) mi_valloc(size)
#define pvalloc(size) mi_pvalloc(size)
#define cfree(block) mi_free(block)
#define malloc_size(block) mi_usable_size(block)
#define malloc_usable_size(block) mi_usable_size(block)
#define malloc_good_size(size) mi_malloc_good_size(size)
#define reallocf(block, size) mi_reallocf(block, size)
#define reallocarray(block, count, size) mi_reallocarray(block, count, size)
#define reallocarr(place, count, size) mi_reallocarr(place, count, size)

/* Windows, for code that is compiled there too */
#define _expand(block, size) mi_expand(block, size)
#define _msize(block) mi_usable_size(block)
#define _recalloc(block, count, size) mi_recalloc(block, count, size)
#define _strdup(text) mi_strdup(text)
#define _strndup(text, most) mi_strndup(text, most)
#define _wcsdup(text) mi_wcsdup(text)
#define _mbsdup(text) mi_mbsdup(text)
#define _dupenv_s(copy, size, name) mi_dupenv_s(copy, size, name)
#define _posix_memalign(block, alignment, size) mi_posix_memalign(block, alignment, size)
#define _aligned_malloc(size, alignment) mi_malloc_aligned(size, alignment)
#define _aligned_realloc(block, size, alignment) mi_realloc_aligned(block, size, alignment)
#define _aligned_recalloc(block, count, size, alignment)                                           \
    mi_aligned_recalloc(block, count, size, alignment)
#define _aligned_msize(block, alignment, offset) mi_usable_size(block)
#define _aligned_free(block) mi_free(block)
#define _aligned_offset_malloc(size, alignment, offset)                                            \
    mi_malloc_aligned_at(size, alignment, offset)
#define _aligned_offset_realloc(block, size, alignment, offset)                                    \
    mi_realloc_aligned_at(block, size, alignment, offset)
#define _aligned_offset_recalloc(block, count, size, alignment, offset)                            \
    mi_recalloc_aligned_at(block, count, size, alignment, offset)

#endif
