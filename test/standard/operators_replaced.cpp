/* A program that replaces the two single-object operators new, plain and aligned, and their
 * deletes: every other form has to reach them.
 * SPDX-License-Identifier: MIT */
#include <cstdlib>
#include <new>

#include "operators.h"

#ifndef __clang__
#pragma GCC diagnostic ignored "-Wsized-deallocation" /* on purpose: see above */
#endif

struct calls {
    int plain_new, plain_delete, aligned_new, aligned_delete;
};

static calls seen;
static bool refuse;

void *operator new(size_t size) {
    seen.plain_new++;
    if (refuse) throw std::bad_alloc();
    return malloc(size);
}

void operator delete(void *block) noexcept {
    seen.plain_delete++;
    free(block);
}

void *operator new(size_t size, align_val_t alignment) {
    seen.aligned_new++;
    if (refuse) throw std::bad_alloc();
    return aligned_alloc(size_t(alignment), size);
}

void operator delete(void *block, align_val_t) noexcept {
    seen.aligned_delete++;
    free(block);
}

static const align_val_t at_64{64};

/* That `body` called the replaced operators so often, and no other. */
template <typename Body> static void assert_calls(calls expected, Body body) {
    seen = {};
    body();
    assert_int_equal(seen.plain_new, expected.plain_new);
    assert_int_equal(seen.plain_delete, expected.plain_delete);
    assert_int_equal(seen.aligned_new, expected.aligned_new);
    assert_int_equal(seen.aligned_delete, expected.aligned_delete);
}

static void the_replaced_forms_are_used(void **) {
    assert_calls({1, 1, 0, 0}, [] { ::operator delete(::operator new(10)); });
    assert_calls({0, 0, 1, 1}, [] { ::operator delete(::operator new(10, at_64), at_64); });
}

static void arrays_use_the_replaced_operators(void **) {
    assert_calls({1, 1, 0, 0}, [] { ::operator delete[](::operator new[](10)); });
}

static void nothrow_uses_the_replaced_operators(void **) {
    assert_calls({1, 1, 0, 0}, [] { ::operator delete(::operator new(10, nothrow), nothrow); });
}

static void nothrow_arrays_use_the_replaced_operators(void **) {
    assert_calls({1, 1, 0, 0}, [] { ::operator delete[](::operator new[](10, nothrow), nothrow); });
}

static void aligned_arrays_use_the_replaced_operators(void **) {
    assert_calls({0, 0, 1, 1}, [] { ::operator delete[](::operator new[](10, at_64), at_64); });
}

static void aligned_nothrow_uses_the_replaced_operators(void **) {
    assert_calls({0, 0, 1, 1},
                 [] { ::operator delete(::operator new(10, at_64, nothrow), at_64, nothrow); });
}

static void aligned_nothrow_arrays_use_the_replaced_operators(void **) {
    assert_calls({0, 0, 1, 1},
                 [] { ::operator delete[](::operator new[](10, at_64, nothrow), at_64, nothrow); });
}

static void sized_deletes_use_the_replaced_operators(void **) {
    assert_calls({1, 1, 0, 0}, [] { ::operator delete(::operator new(10), size_t(10)); });
    assert_calls({1, 1, 0, 0}, [] { ::operator delete[](::operator new[](10), size_t(10)); });
}

static void sized_aligned_deletes_use_the_replaced_operators(void **) {
    assert_calls({0, 0, 1, 1},
                 [] { ::operator delete(::operator new(10, at_64), size_t(10), at_64); });
    assert_calls({0, 0, 1, 1},
                 [] { ::operator delete[](::operator new[](10, at_64), size_t(10), at_64); });
}

static void nothrow_forms_give_null_when_the_replacement_throws(void **) {
    refuse = true;
    assert_calls({2, 0, 2, 0}, [] {
        assert_null(::operator new(10, nothrow));
        assert_null(::operator new[](10, nothrow));
        assert_null(::operator new(10, at_64, nothrow));
        assert_null(::operator new[](10, at_64, nothrow));
    });
    refuse = false;
}

static void arrays_pass_the_exception_of_the_replacement_on(void **) {
    int caught = 0;
    refuse = true;
    try {
        ::operator delete[](::operator new[](10));
    } catch (const std::bad_alloc &) {
        caught++;
    }
    try {
        ::operator delete[](::operator new[](10, at_64), at_64);
    } catch (const std::bad_alloc &) {
        caught++;
    }
    refuse = false;
    assert_int_equal(caught, 2);
}

int main() {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_replaced_forms_are_used),
        cmocka_unit_test(arrays_use_the_replaced_operators),
        cmocka_unit_test(nothrow_uses_the_replaced_operators),
        cmocka_unit_test(nothrow_arrays_use_the_replaced_operators),
        cmocka_unit_test(aligned_arrays_use_the_replaced_operators),
        cmocka_unit_test(aligned_nothrow_uses_the_replaced_operators),
        cmocka_unit_test(aligned_nothrow_arrays_use_the_replaced_operators),
        cmocka_unit_test(sized_deletes_use_the_replaced_operators),
        cmocka_unit_test(sized_aligned_deletes_use_the_replaced_operators),
        cmocka_unit_test(nothrow_forms_give_null_when_the_replacement_throws),
        cmocka_unit_test(arrays_pass_the_exception_of_the_replacement_on),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
