/* The C++ operators new and delete, none of them replaced by the program.
 * SPDX-License-Identifier: MIT */
#include <cstdint>
#include <cstdlib>
#include <exception>
#include <map>
#include <memory>
#include <new>
#include <string>
#include <vector>

#include "operators.h"

/* Every form of operator new, to be tried in turn. */
struct form {
    const char *name;
    bool throws;
    size_t alignment;
    void *(*make)(size_t size);
    void (*destroy)(void *block);
};

static const align_val_t at_256{256};

static const form forms[] = {
    {"new", true, 16, [](size_t n) { return ::operator new(n); },
     [](void *p) { ::operator delete(p); }},
    {"new[]", true, 16, [](size_t n) { return ::operator new[](n); },
     [](void *p) { ::operator delete[](p); }},
    {"nothrow new", false, 16, [](size_t n) { return ::operator new(n, nothrow); },
     [](void *p) { ::operator delete(p, nothrow); }},
    {"nothrow new[]", false, 16, [](size_t n) { return ::operator new[](n, nothrow); },
     [](void *p) { ::operator delete[](p, nothrow); }},
    {"aligned new", true, 256, [](size_t n) { return ::operator new(n, at_256); },
     [](void *p) { ::operator delete(p, at_256); }},
    {"aligned new[]", true, 256, [](size_t n) { return ::operator new[](n, at_256); },
     [](void *p) { ::operator delete[](p, at_256); }},
    {"aligned nothrow new", false, 256, [](size_t n) { return ::operator new(n, at_256, nothrow); },
     [](void *p) { ::operator delete(p, at_256, nothrow); }},
    {"aligned nothrow new[]", false, 256,
     [](size_t n) { return ::operator new[](n, at_256, nothrow); },
     [](void *p) { ::operator delete[](p, at_256, nothrow); }},
};

static const size_t impossible[] = {SIZE_MAX, SIZE_MAX - 100, size_t(PTRDIFF_MAX) + 1, PTRDIFF_MAX,
                                    size_t(1) << 60};

/* What a call ended in. */
enum outcome { BLOCK, NULL_POINTER, BAD_ALLOC, OTHER_EXCEPTION };

static outcome outcome_of(const form &f, size_t size) {
    try {
        void *block = f.make(opaque(size));
        if (block == nullptr) return NULL_POINTER;
        f.destroy(block);
        return BLOCK;
    } catch (const std::bad_alloc &) {
        return BAD_ALLOC;
    } catch (...) {
        return OTHER_EXCEPTION;
    }
}

/* ---- success ---- */

static void every_form_allocates_aligned_blocks(void **) {
    for (const form &f : forms) {
        for (size_t size : {size_t(1), size_t(16), size_t(1000), 20000 * size_t(1), 3 * MIB}) {
            void *block = must(f.make(size));
            assert_true(is_aligned(block, f.alignment));
            fill(block, size, 1);
            f.destroy(block);
        }
    }
}

static void size_zero_gives_distinct_blocks(void **) {
    for (const form &f : forms) {
        void *a = must(f.make(0)), *b = must(f.make(0));
        assert_ptr_not_equal(a, b);
        f.destroy(a);
        f.destroy(b);
    }
}

static void every_form_is_undone_by_its_delete(void **) {
    size_t before = live_blocks();
    for (const form &f : forms) {
        for (int i = 0; i < 100; i++) f.destroy(f.make(size_t(i) * 50));
    }
    assert_int_equal(live_blocks(), before);
}

static void sized_deletes_free(void **) {
    size_t before = live_blocks();
    ::operator delete(::operator new(100), size_t(100));
    ::operator delete[](::operator new[](100), size_t(100));
    ::operator delete(::operator new(100, at_256), size_t(100), at_256);
    ::operator delete[](::operator new[](100, at_256), size_t(100), at_256);
    assert_int_equal(live_blocks(), before);
}

static void every_delete_takes_null(void **) {
    for (const form &f : forms) f.destroy(nullptr);
    ::operator delete(nullptr, size_t(1));
    ::operator delete[](nullptr, size_t(1));
    ::operator delete(nullptr, size_t(1), at_256);
    ::operator delete[](nullptr, size_t(1), at_256);
}

static void alignments_to_a_mebibyte_are_kept(void **) {
    for (size_t alignment = 1; alignment <= MIB; alignment *= 2) {
        void *one = ::operator new(100, align_val_t(alignment));
        void *many = ::operator new[](100, align_val_t(alignment));
        assert_true(is_aligned(one, alignment) && is_aligned(many, alignment));
        ::operator delete(one, align_val_t(alignment));
        ::operator delete[](many, align_val_t(alignment));
    }
}

/* ---- no memory, no handler ---- */

static void throwing_forms_throw_bad_alloc(void **) {
    for (const form &f : forms) {
        for (size_t size : impossible) {
            if (f.throws) assert_int_equal(outcome_of(f, size), BAD_ALLOC);
        }
    }
}

static void nothrow_forms_give_null(void **) {
    for (const form &f : forms) {
        for (size_t size : impossible) {
            if (!f.throws) assert_int_equal(outcome_of(f, size), NULL_POINTER);
        }
    }
}

static void failures_lose_nothing(void **) {
    size_t before = live_blocks();
    for (const form &f : forms) outcome_of(f, SIZE_MAX);
    assert_int_equal(live_blocks(), before);
}

static void a_wrong_alignment_throws_bad_alloc(void **) {
    std::set_new_handler([] { std::abort(); });
    for (size_t alignment : {size_t(0), size_t(3), size_t(48)}) {
        bool thrown = false;
        try {
            ::operator delete(::operator new(100, align_val_t(opaque(alignment))), at_256);
        } catch (const std::bad_alloc &) {
            thrown = true;
        }
        assert_true(thrown);
        assert_null(::operator new(100, align_val_t(opaque(alignment)), nothrow));
    }
    std::set_new_handler(nullptr);
}

/* ---- the new-handler ---- */

static int handler_calls;

static void assert_handler_called_until_it_gives_up(const form &f) {
    handler_calls = 0;
    std::set_new_handler([] {
        if (++handler_calls == 5) std::set_new_handler(nullptr);
    });
    assert_int_equal(outcome_of(f, SIZE_MAX), f.throws ? BAD_ALLOC : NULL_POINTER);
    assert_int_equal(handler_calls, 5);
}

static void the_handler_is_called_until_it_gives_up(void **) {
    for (const form &f : forms) assert_handler_called_until_it_gives_up(f);
}

static void a_handler_that_makes_room_is_enough(void **) {
    for (const form &f : forms) {
        handler_calls = 0;
        eddy_option_set(EDDY_OPTION_LIMIT, 32 * int64_t(MIB));
        std::set_new_handler([] {
            if (++handler_calls == 3) eddy_option_set(EDDY_OPTION_LIMIT, 0);
        });
        assert_int_equal(outcome_of(f, 64 * MIB), BLOCK);
        assert_int_equal(handler_calls, 3);
        std::set_new_handler(nullptr);
    }
}

static void the_handler_is_not_called_in_vain(void **) {
    std::set_new_handler([] { std::abort(); });
    for (const form &f : forms) assert_int_equal(outcome_of(f, 1000), BLOCK);
    std::set_new_handler(nullptr);
}

struct out_of_memory : std::bad_alloc {};

static void a_throwing_handler_passes_through_throwing_forms(void **) {
    std::set_new_handler([] { throw out_of_memory(); });
    for (const form &f : forms) {
        bool passed = false;
        try {
            f.make(opaque(SIZE_MAX));
        } catch (const out_of_memory &) {
            passed = true;
        }
        assert_int_equal(passed, f.throws);
    }
    std::set_new_handler(nullptr);
}

static void a_throwing_handler_makes_nothrow_forms_give_null(void **) {
    std::set_new_handler([] { throw out_of_memory(); });
    for (const form &f : forms) {
        if (!f.throws) assert_int_equal(outcome_of(f, SIZE_MAX), NULL_POINTER);
    }
    std::set_new_handler(nullptr);
}

static void nothrow_forms_stop_every_exception(void **) {
    std::set_new_handler([] { throw 42; });
    for (const form &f : forms) {
        assert_int_equal(outcome_of(f, SIZE_MAX), f.throws ? OTHER_EXCEPTION : NULL_POINTER);
    }
    std::set_new_handler(nullptr);
}

static int destroyed;

struct witness {
    ~witness() { destroyed++; }
};

static void a_stopped_exception_is_over(void **) {
    destroyed = 0;
    std::set_new_handler([] {
        witness on_the_way;
        throw witness();
    });
    for (int i = 1; i <= 100; i++) {
        assert_null(::operator new(opaque(SIZE_MAX), nothrow));
        assert_int_equal(destroyed, 2 * i);
        assert_int_equal(std::uncaught_exceptions(), 0);
        assert_true(std::current_exception() == nullptr);
    }
    std::set_new_handler(nullptr);
}

/* A nothrow new in a destructor that runs because of another exception. */
struct allocates_as_it_goes {
    ~allocates_as_it_goes() { result = ::operator new(opaque(SIZE_MAX), nothrow); }
    static void *result;
};

void *allocates_as_it_goes::result;

static void nothrow_new_works_while_an_exception_is_in_flight(void **) {
    allocates_as_it_goes::result = &destroyed;
    try {
        allocates_as_it_goes guard;
        throw 1;
    } catch (int) {
        assert_null(allocates_as_it_goes::result);
    }
    assert_int_equal(std::uncaught_exceptions(), 0);
}

static void local_variables_survive_a_stopped_exception(void **) {
    volatile uint64_t a = 1, b = 2, c = 3;
    uint64_t d = opaque(4), e = opaque(5), f = opaque(6), g = opaque(7), h = opaque(8);
    std::set_new_handler([] { throw out_of_memory(); });
    void *block = ::operator new(opaque(SIZE_MAX), nothrow);
    assert_null(block);
    assert_int_equal(a + b + c + d + e + f + g + h, 36);
    std::set_new_handler(nullptr);
}

/* ---- new expressions ---- */

/* Keeps the compiler from leaving out a new and its delete. */
template <typename T> static T *kept(T *block) {
    return reinterpret_cast<T *>(opaque(reinterpret_cast<uintptr_t>(block)));
}

static void an_impossible_array_length_throws(void **) {
    bool thrown = false;
    try {
        delete[] kept(new uint64_t[opaque(SIZE_MAX / 4)]);
    } catch (const std::bad_alloc &) { /* or bad_array_new_length, a kind of it */
        thrown = true;
    }
    assert_true(thrown);
}

static void a_large_array_throws_bad_alloc(void **) {
    bool thrown = false;
    try {
        delete[] kept(new char[opaque(size_t(1) << 50)]);
    } catch (const std::bad_alloc &) {
        thrown = true;
    }
    assert_true(thrown);
}

struct throws_when_made {
    throws_when_made() { throw 1; }
    char contents[100];
};

struct alignas(128) aligned_throws_when_made {
    aligned_throws_when_made() { throw 1; }
    char contents[128];
};

static void a_throwing_constructor_gives_its_memory_back(void **) {
    size_t before = live_blocks();
    int caught = 0;
    try {
        delete kept(new throws_when_made);
    } catch (int) {
        caught++;
    }
    try {
        delete[] kept(new throws_when_made[10]);
    } catch (int) {
        caught++;
    }
    try {
        delete kept(new (nothrow) throws_when_made);
    } catch (int) {
        caught++;
    }
    try {
        delete kept(new aligned_throws_when_made);
    } catch (int) {
        caught++;
    }
    assert_int_equal(caught, 4);
    assert_int_equal(live_blocks(), before);
}

struct alignas(512) overaligned {
    char contents[512];
};

static void containers_work(void **) {
    size_t before = live_blocks();
    {
        std::map<int, std::string> map;
        std::vector<overaligned> vector;
        for (int i = 0; i < 2000; i++) {
            map[i] = std::string(size_t(i), 'x');
            vector.emplace_back();
            assert_true(is_aligned(&vector.back(), 512));
        }
        auto shared = std::make_shared<std::vector<int>>(100000);
        assert_int_equal(map[1999].size(), 1999);
        assert_int_equal(shared->size(), 100000);
    }
    assert_int_equal(live_blocks(), before);
}

static void a_container_that_grows_too_large_throws(void **) {
    std::vector<char> vector;
    bool thrown = false;
    try {
        vector.reserve(opaque(size_t(1) << 50));
    } catch (const std::bad_alloc &) {
        thrown = true;
    }
    assert_true(thrown);
    assert_int_equal(vector.size(), 0);
}

/* ---- threads and the end of the program ---- */

static thread_local std::string thread_local_text;

static void thread_local_objects_are_freed(void **) {
    auto body = [](void *) -> void * {
        thread_local_text = std::string(5000, 'x');
        return nullptr;
    };
    size_t before = 0;
    for (int i = 0; i < 20; i++) {
        run_thread(body, nullptr);
        if (i == 0) before = live_blocks();
    }
    assert_int_equal(live_blocks(), before);
}

struct freed_after_main {
    std::string text = std::string(5000, 'x');
    ~freed_after_main() {
        text += "more";
        if (text.size() != 5004) _exit(EXIT_FAILURE);
    }
};

static freed_after_main made_before_main;

static void global_objects_work_before_and_after_main(void **) {
    assert_int_equal(made_before_main.text.size(), 5000);
    assert_in_child([] { std::exit(EXIT_SUCCESS); });
}

int main() {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_form_allocates_aligned_blocks),
        cmocka_unit_test(size_zero_gives_distinct_blocks),
        cmocka_unit_test(every_form_is_undone_by_its_delete),
        cmocka_unit_test(sized_deletes_free),
        cmocka_unit_test(every_delete_takes_null),
        cmocka_unit_test(alignments_to_a_mebibyte_are_kept),
        cmocka_unit_test(throwing_forms_throw_bad_alloc),
        cmocka_unit_test(nothrow_forms_give_null),
        cmocka_unit_test(failures_lose_nothing),
        cmocka_unit_test(a_wrong_alignment_throws_bad_alloc),
        cmocka_unit_test(the_handler_is_called_until_it_gives_up),
        cmocka_unit_test(a_handler_that_makes_room_is_enough),
        cmocka_unit_test(the_handler_is_not_called_in_vain),
        cmocka_unit_test(a_throwing_handler_passes_through_throwing_forms),
        cmocka_unit_test(a_throwing_handler_makes_nothrow_forms_give_null),
        cmocka_unit_test(nothrow_forms_stop_every_exception),
        cmocka_unit_test(a_stopped_exception_is_over),
        cmocka_unit_test(nothrow_new_works_while_an_exception_is_in_flight),
        cmocka_unit_test(local_variables_survive_a_stopped_exception),
        cmocka_unit_test(an_impossible_array_length_throws),
        cmocka_unit_test(a_large_array_throws_bad_alloc),
        cmocka_unit_test(a_throwing_constructor_gives_its_memory_back),
        cmocka_unit_test(containers_work),
        cmocka_unit_test(a_container_that_grows_too_large_throws),
        cmocka_unit_test(thread_local_objects_are_freed),
        cmocka_unit_test(global_objects_work_before_and_after_main),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
