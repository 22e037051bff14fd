/* Allocators for the containers of C++; mimalloc.h includes this. C++11 and later.
 *
 * SPDX-License-Identifier: MIT */
#ifndef EDDY_MIMALLOC_STL_H
#define EDDY_MIMALLOC_STL_H

#include <cstddef>
#include <cstdint>
#include <memory>
#include <type_traits>
#include <utility>

#include "mimalloc.h"

#define MI_HAS_HEAP_STL_ALLOCATOR 1

/* What all of them share. Containers that are given another's contents take its allocator too. */
template <class T> struct _mi_stl_allocator_common {
    typedef T value_type;
    typedef std::size_t size_type;
    typedef std::ptrdiff_t difference_type;
    typedef T *pointer;
    typedef const T *const_pointer;
    typedef T &reference;
    typedef const T &const_reference;
    typedef std::true_type propagate_on_container_copy_assignment;
    typedef std::true_type propagate_on_container_move_assignment;
    typedef std::true_type propagate_on_container_swap;

    template <class U, class... Arguments> void construct(U *place, Arguments &&...arguments) {
        ::new (static_cast<void *>(place)) U(std::forward<Arguments>(arguments)...);
    }
    template <class U> void destroy(U *object) noexcept { object->~U(); }
    size_type max_size() const noexcept { return PTRDIFF_MAX / sizeof(T); }
    pointer address(reference object) const { return std::addressof(object); }
    const_pointer address(const_reference object) const { return std::addressof(object); }
};

/* From the default heap. */
template <class T> struct mi_stl_allocator : _mi_stl_allocator_common<T> {
    typedef std::true_type is_always_equal;
    template <class U> struct rebind { typedef mi_stl_allocator<U> other; };

    mi_stl_allocator() noexcept = default;
    mi_stl_allocator(const mi_stl_allocator &) noexcept = default;
    mi_stl_allocator &operator=(const mi_stl_allocator &) noexcept = default;
    template <class U> mi_stl_allocator(const mi_stl_allocator<U> &) noexcept {}
    mi_stl_allocator select_on_container_copy_construction() const { return *this; }

    T *allocate(std::size_t count, const void * = nullptr) {
        return static_cast<T *>(mi_new_n(count, sizeof(T)));
    }
    void deallocate(T *block, std::size_t) { mi_free(block); }
};

template <class T, class U>
bool operator==(const mi_stl_allocator<T> &, const mi_stl_allocator<U> &) noexcept {
    return true;
}
template <class T, class U>
bool operator!=(const mi_stl_allocator<T> &, const mi_stl_allocator<U> &) noexcept {
    return false;
}

/* From a heap: one of its own, which ends with the last copy of the allocator, or one that the
 * program owns. With `Destroy` the end of the heap is what frees the blocks. */
template <class T, bool Destroy>
struct _mi_heap_stl_allocator_common : _mi_stl_allocator_common<T> {
    typedef std::false_type is_always_equal;

    T *allocate(std::size_t count, const void * = nullptr) {
        return static_cast<T *>(mi_heap_alloc_new_n(heap.get(), count, sizeof(T)));
    }
    void deallocate(T *block, std::size_t) {
        if (!Destroy) mi_free(block);
    }
    void collect(bool force) { mi_heap_collect(heap.get(), force); }
    template <class U> bool is_equal(const _mi_heap_stl_allocator_common<U, Destroy> &other) const {
        return heap == other.heap;
    }

  protected:
    template <class U, bool D> friend struct _mi_heap_stl_allocator_common;

    _mi_heap_stl_allocator_common() : heap(mi_heap_new(), end) {}
    explicit _mi_heap_stl_allocator_common(mi_heap_t *of_program) : heap(of_program, leave) {}
    template <class U>
    explicit _mi_heap_stl_allocator_common(
        const _mi_heap_stl_allocator_common<U, Destroy> &other) noexcept
        : heap(other.heap) {}

  private:
    std::shared_ptr<mi_heap_t> heap;

    static void end(mi_heap_t *own) {
        if (Destroy) {
            mi_heap_destroy(own);
        } else {
            mi_heap_delete(own);
        }
    }
    static void leave(mi_heap_t *) {}
};

template <class T> struct mi_heap_stl_allocator : _mi_heap_stl_allocator_common<T, false> {
    template <class U> struct rebind { typedef mi_heap_stl_allocator<U> other; };

    mi_heap_stl_allocator() {}
    mi_heap_stl_allocator(mi_heap_t *of_program)
        : _mi_heap_stl_allocator_common<T, false>(of_program) {}
    template <class U>
    mi_heap_stl_allocator(const mi_heap_stl_allocator<U> &other) noexcept
        : _mi_heap_stl_allocator_common<T, false>(other) {}
    mi_heap_stl_allocator select_on_container_copy_construction() const { return *this; }
};

template <class T> struct mi_heap_destroy_stl_allocator : _mi_heap_stl_allocator_common<T, true> {
    template <class U> struct rebind { typedef mi_heap_destroy_stl_allocator<U> other; };

    mi_heap_destroy_stl_allocator() {}
    mi_heap_destroy_stl_allocator(mi_heap_t *of_program)
        : _mi_heap_stl_allocator_common<T, true>(of_program) {}
    template <class U>
    mi_heap_destroy_stl_allocator(const mi_heap_destroy_stl_allocator<U> &other) noexcept
        : _mi_heap_stl_allocator_common<T, true>(other) {}
    mi_heap_destroy_stl_allocator select_on_container_copy_construction() const { return *this; }
};

template <class T, class U>
bool operator==(const mi_heap_stl_allocator<T> &a, const mi_heap_stl_allocator<U> &b) noexcept {
    return a.is_equal(b);
}
template <class T, class U>
bool operator!=(const mi_heap_stl_allocator<T> &a, const mi_heap_stl_allocator<U> &b) noexcept {
    return !a.is_equal(b);
}
template <class T, class U>
bool operator==(const mi_heap_destroy_stl_allocator<T> &a,
                const mi_heap_destroy_stl_allocator<U> &b) noexcept {
    return a.is_equal(b);
}
template <class T, class U>
bool operator!=(const mi_heap_destroy_stl_allocator<T> &a,
                const mi_heap_destroy_stl_allocator<U> &b) noexcept {
    return !a.is_equal(b);
}

#endif
