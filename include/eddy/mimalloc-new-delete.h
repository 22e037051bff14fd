/* Included in exactly one source file of a C++ program, it replaces operator new and delete of the
 * whole program.
 *
 * SPDX-License-Identifier: MIT */
#ifndef EDDY_MIMALLOC_NEW_DELETE_H
#define EDDY_MIMALLOC_NEW_DELETE_H

#ifdef __cplusplus

#include <new>

#include "mimalloc.h"

void *operator new(std::size_t size) { return mi_new(size); }
void *operator new[](std::size_t size) { return mi_new(size); }
void *operator new(std::size_t size, const std::nothrow_t &) noexcept {
    return mi_new_nothrow(size);
}
void *operator new[](std::size_t size, const std::nothrow_t &) noexcept {
    return mi_new_nothrow(size);
}

void operator delete(void *block) noexcept { mi_free(block); }
void operator delete[](void *block) noexcept { mi_free(block); }
void operator delete(void *block, const std::nothrow_t &) noexcept { mi_free(block); }
void operator delete[](void *block, const std::nothrow_t &) noexcept { mi_free(block); }

#if __cplusplus >= 201402L
void operator delete(void *block, std::size_t size) noexcept { mi_free_size(block, size); }
void operator delete[](void *block, std::size_t size) noexcept { mi_free_size(block, size); }
#endif

#ifdef __cpp_aligned_new
#define EDDY_ALIGNMENT(alignment) static_cast<std::size_t>(alignment)

void *operator new(std::size_t size, std::align_val_t alignment) {
    return mi_new_aligned(size, EDDY_ALIGNMENT(alignment));
}
void *operator new[](std::size_t size, std::align_val_t alignment) {
    return mi_new_aligned(size, EDDY_ALIGNMENT(alignment));
}
void *operator new(std::size_t size, std::align_val_t alignment, const std::nothrow_t &) noexcept {
    return mi_new_aligned_nothrow(size, EDDY_ALIGNMENT(alignment));
}
void *operator new[](std::size_t size, std::align_val_t alignment,
                     const std::nothrow_t &) noexcept {
    return mi_new_aligned_nothrow(size, EDDY_ALIGNMENT(alignment));
}

void operator delete(void *block, std::align_val_t alignment) noexcept {
    mi_free_aligned(block, EDDY_ALIGNMENT(alignment));
}
void operator delete[](void *block, std::align_val_t alignment) noexcept {
    mi_free_aligned(block, EDDY_ALIGNMENT(alignment));
}
void operator delete(void *block, std::size_t size, std::align_val_t alignment) noexcept {
    mi_free_size_aligned(block, size, EDDY_ALIGNMENT(alignment));
}
void operator delete[](void *block, std::size_t size, std::align_val_t alignment) noexcept {
    mi_free_size_aligned(block, size, EDDY_ALIGNMENT(alignment));
}
void operator delete(void *block, std::align_val_t alignment, const std::nothrow_t &) noexcept {
    mi_free_aligned(block, EDDY_ALIGNMENT(alignment));
}
void operator delete[](void *block, std::align_val_t alignment, const std::nothrow_t &) noexcept {
    mi_free_aligned(block, EDDY_ALIGNMENT(alignment));
}

#undef EDDY_ALIGNMENT
#endif

#endif

#endif
