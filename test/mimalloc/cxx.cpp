/* C++: what throws, what replaces operator new, containers.
 * SPDX-License-Identifier: MIT */
#include <list>
#include <map>
#include <new>
#include <string>
#include <vector>

#include "layer.h"
#include "mimalloc-new-delete.h"

/* ---- mi_new and its family ---- */

static const size_t too_much = SIZE_MAX / 2;

template <class Call> static bool throws_bad_alloc(Call call) {
    try {
        call();
    } catch (const std::bad_alloc &) {
        return true;
    }
    return false;
}

static void mi_new_throws_without_memory(void **) {
    for (size_t size : sizes) {
        void *blocks[] = {mi_new(size),
                          mi_new_aligned(size, 256),
                          mi_new_n(2, size),
                          mi_new_nothrow(size),
                          mi_new_aligned_nothrow(size, 256),
                          mi_new_realloc(nullptr, size),
                          mi_new_reallocn(nullptr, 2, size)};
        for (void *block : blocks) {
            assert_non_null(block);
            mi_free(block);
        }
    }
    void *block = mi_new(10);
    assert_true(throws_bad_alloc([] { mi_free(mi_new(opaque(too_much))); }));
    assert_true(throws_bad_alloc([] { mi_free(mi_new_aligned(opaque(too_much), 64)); }));
    assert_true(throws_bad_alloc([] { mi_free(mi_new_n(opaque(too_much), 4)); }));
    assert_true(throws_bad_alloc([=] { mi_free(mi_new_realloc(block, opaque(too_much))); }));
    assert_true(throws_bad_alloc([=] { mi_free(mi_new_reallocn(block, opaque(too_much), 4)); }));
    assert_null(mi_new_nothrow(opaque(too_much)));
    assert_null(mi_new_aligned_nothrow(opaque(too_much), 64));
    mi_free(block);
}

static void mi_heap_alloc_new_throws_too(void **) {
    mi_heap_t *heap = mi_heap_new();
    assert_ptr_equal(eddy_heap_of(mi_heap_alloc_new(heap, 100)), heap);
    assert_ptr_equal(eddy_heap_of(mi_heap_alloc_new_n(heap, 10, 10)), heap);
    assert_true(throws_bad_alloc([=] { mi_free(mi_heap_alloc_new(heap, opaque(too_much))); }));
    assert_true(throws_bad_alloc([=] { mi_free(mi_heap_alloc_new_n(heap, opaque(too_much), 4)); }));
    mi_heap_destroy(heap);
}

static int handler_calls;

static void give_up_at_the_third_call() {
    if (++handler_calls == 3) std::set_new_handler(nullptr);
}

struct gone {};
static void throw_something() { throw gone(); }

static void new_handlers_are_called(void **) {
    handler_calls = 0;
    std::set_new_handler(give_up_at_the_third_call);
    assert_true(throws_bad_alloc([] { mi_free(mi_new(opaque(too_much))); }));
    assert_int_equal(handler_calls, 3);
    handler_calls = 0;
    std::set_new_handler(give_up_at_the_third_call);
    assert_null(mi_new_nothrow(opaque(too_much)));
    assert_int_equal(handler_calls, 3);
    std::set_new_handler(throw_something);
    assert_null(mi_new_nothrow(opaque(too_much)));
    bool thrown = false;
    try {
        mi_free(mi_new(opaque(too_much)));
    } catch (const gone &) {
        thrown = true;
    }
    assert_true(thrown);
    std::set_new_handler(nullptr);
}

/* ---- the operators, replaced in this program ---- */

struct alignas(256) wide {
    char bytes[300];
};

static void operators_stand_on_mimalloc(void **) {
    size_t live = live_blocks();
    char *one = new char, *many = new char[1000];
    wide *aligned = new wide, *wides = new wide[3];
    char *silent = new (std::nothrow) char[10];
    wide *silent_aligned = new (std::nothrow) wide;
    for (const void *block : {(void *)one, (void *)many, (void *)aligned, (void *)wides,
                              (void *)silent, (void *)silent_aligned}) {
        assert_true(mi_is_in_heap_region(block));
    }
    assert_true(is_aligned(aligned, 256) && is_aligned(wides, 256));
    delete one;
    delete[] many;
    delete aligned;
    delete[] wides;
    operator delete[](silent, std::nothrow);
    operator delete(silent_aligned, std::align_val_t(256), std::nothrow);
    assert_int_equal(live_blocks(), live);
    assert_true(throws_bad_alloc([] { operator delete(operator new(opaque(too_much))); }));
    assert_null(operator new(opaque(too_much), std::nothrow));
    assert_null(operator new[](opaque(too_much), std::align_val_t(64), std::nothrow));
}

/* ---- containers ---- */

template <class Allocator> static void fill_and_copy(Allocator allocator) {
    std::vector<std::pair<int, int>, typename std::allocator_traits<
                                         Allocator>::template rebind_alloc<std::pair<int, int>>>
        vector(allocator);
    for (int i = 0; i < 1000; i++) vector.emplace_back(i, 2 * i);
    auto copy = vector;
    assert_int_equal(copy[999].second, 1998);
    assert_true(mi_is_in_heap_region(&copy[0]));
    std::list<int, Allocator> list(allocator);
    for (int i = 0; i < 100; i++) list.push_front(i);
    auto moved = std::move(list);
    assert_int_equal(moved.front(), 99);
}

static void containers_use_the_default_heap(void **) {
    size_t live = live_blocks();
    fill_and_copy(mi_stl_allocator<int>());
    std::map<int, std::string, std::less<int>, mi_stl_allocator<std::pair<const int, std::string>>>
        map;
    map[3] = "three, in words that do not fit in the string itself";
    assert_true(mi_is_in_heap_region(&map[3]));
    assert_true(mi_stl_allocator<int>() == mi_stl_allocator<char>());
    map.clear();
    assert_int_equal(live_blocks(), live);
}

static void containers_use_a_heap_of_their_own(void **) {
    size_t live = live_blocks();
    fill_and_copy(mi_heap_stl_allocator<int>());
    {
        mi_heap_destroy_stl_allocator<int> destroying;
        fill_and_copy(destroying);
        assert_true(live_blocks() > live);
        mi_heap_destroy_stl_allocator<char> same(destroying);
        assert_true(same == destroying);
        assert_true(destroying != mi_heap_destroy_stl_allocator<int>());
        destroying.collect(false);
    }
    assert_int_equal(live_blocks(), live);
}

static void containers_use_a_heap_of_the_program(void **) {
    mi_heap_t *heap = mi_heap_new();
    std::vector<int, mi_heap_stl_allocator<int>> vector{mi_heap_stl_allocator<int>(heap)};
    vector.resize(1000);
    assert_ptr_equal(eddy_heap_of(vector.data()), heap);
    assert_true(vector.get_allocator() == mi_heap_stl_allocator<int>(heap));
    vector.clear();
    vector.shrink_to_fit();
    mi_heap_destroy(heap);
}

RUN(cmocka_unit_test(mi_new_throws_without_memory), cmocka_unit_test(mi_heap_alloc_new_throws_too),
    cmocka_unit_test(new_handlers_are_called), cmocka_unit_test(operators_stand_on_mimalloc),
    cmocka_unit_test(containers_use_the_default_heap),
    cmocka_unit_test(containers_use_a_heap_of_their_own),
    cmocka_unit_test(containers_use_a_heap_of_the_program))
