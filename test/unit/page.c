/* Pages by themselves: linking blocks, taking frees of other threads, the word that holds them.
 * SPDX-License-Identifier: MIT */
#include "heap/page.h"

#include "common/actor.h"
#include "common/alone.h"
#include "common/inside.h"

enum { BLOCKS_MOST = SLICE_BYTES / BLOCK_ALIGN, GIVERS = 3, ROUNDS = 20 };

static block_t *blocks[BLOCKS_MOST];

/* A page of the class that belongs to no heap, no block linked. */
static page_t *new_page(unsigned size_class) {
    bool zero;
    page_t *page = must(span_allocate(class_slices(size_class), 1, SPAN_FROM_ANY, &zero));
    page_make(page, NULL, size_class, zero);
    return page;
}

static size_t index_of(const page_t *page, const block_t *block) {
    size_t offset = (size_t)((const char *)block - slice_address(page));
    assert_int_equal(offset % page->block_bytes, 0);
    return offset / page->block_bytes;
}

static block_t *pop(page_t *page) {
    block_t *block = page->free;
    page->free = block->next;
    page->used++;
    return block;
}

/* Take all blocks of the free list; the number of them. */
static size_t pop_all(page_t *page) {
    size_t count = 0;
    while (page->free != NULL) blocks[count++] = pop(page);
    return count;
}

/* A page with all blocks handed out, in blocks[] by index. */
static page_t *used_up_page(unsigned size_class) {
    page_t *page = new_page(size_class);
    while (page->capacity < page->block_limit) {
        page_extend(page, 0);
        while (page->free != NULL) {
            block_t *block = pop(page);
            blocks[index_of(page, block)] = block;
        }
    }
    return page;
}

/* Give blocks[from] to blocks[to - 1] as one chain, that one last; the token. */
static block_t *give(page_t *page, size_t from, size_t to) {
    for (size_t i = from; i + 1 < to; i++) blocks[i]->next = blocks[i + 1];
    return page_give(page, blocks[from], blocks[to - 1], (uint32_t)(to - from));
}

/* Collect, and check that exactly blocks[from] to blocks[to - 1] are free then. */
static void assert_collects(page_t *page, size_t from, size_t to) {
    static block_t *given[BLOCKS_MOST];
    memcpy(given, blocks, sizeof given);
    bool found[BLOCKS_MOST] = {false};
    uint32_t used = page->used;
    page_collect(page);
    assert_int_equal(used - page->used, to - from);
    assert_int_equal(pop_all(page), to - from);
    for (size_t i = 0; i < to - from; i++) found[index_of(page, blocks[i])] = true;
    for (size_t i = 0; i < page->block_limit; i++) {
        assert_int_equal(found[i], i >= from && i < to);
    }
    memcpy(blocks, given, sizeof given);
}

#define FOR_EACH_CLASS(i) for (unsigned i = 0; i < CLASS_COUNT; i++)

/* ---- linking ---- */

static void every_block_is_handed_out_once(void **state) {
    (void)state;
    FOR_EACH_CLASS(i) {
        page_t *page = used_up_page(i);
        assert_int_equal(page->block_limit, span_bytes(page) / class_bytes(i));
        assert_int_equal(page->used, page->block_limit);
        for (size_t j = 0; j < page->block_limit; j++) {
            assert_ptr_equal(blocks[j], slice_address(page) + j * class_bytes(i));
            blocks[j] = NULL;
        }
        page_free(page);
    }
}

static void every_slice_leads_to_its_page_until_that_is_freed(void **state) {
    (void)state;
    FOR_EACH_CLASS(i) {
        page_t *page = new_page(i);
        size_t slices = span_slices(page);
        for (size_t j = 0; j < slices; j++) assert_ptr_equal(page_of_slice(page + j), page);
        page_free(page);
        /* The last slice may be the last one of a free span. */
        for (size_t j = 1; j + 1 < slices; j++) assert_int_equal(span_kind(page + j), SPAN_NONE);
    }
}

static void extensions_double_from_4_to_16_kib(void **state) {
    (void)state;
    FOR_EACH_CLASS(i) {
        page_t *page = new_page(i);
        while (page->capacity < page->block_limit) {
            size_t linked = page->capacity * page->block_bytes;
            size_t wanted = size_min(size_max(linked, 4 * KIB), 16 * KIB);
            size_t expected = size_min(size_max(wanted / page->block_bytes, 1),
                                       page->block_limit - page->capacity);
            page_extend(page, 0);
            assert_int_equal(pop_all(page), expected);
        }
        page_free(page);
    }
}

static void an_extension_long_after_the_last_is_as_short_as_the_first(void **state) {
    (void)state;
    FOR_EACH_CLASS(i) {
        page_t *page = new_page(i);
        for (uint32_t entry = 100; page->capacity < page->block_limit; entry += 100) {
            size_t expected = size_min(size_max(4 * KIB / page->block_bytes, 1),
                                       page->block_limit - page->capacity);
            page_extend(page, entry);
            assert_int_equal(pop_all(page), expected);
        }
        page_free(page);
    }
}

static void what_is_not_linked_is_not_touched(void **state) {
    (void)state;
    span_purge_all();
    FOR_EACH_CLASS(i) {
        page_t *page = new_page(i);
        assert_true(page->is_zero);
        while (page->capacity < page->block_limit) {
            page_extend(page, 0);
            char *end = slice_address(page) + page->capacity * page->block_bytes;
            assert_true(is_zero(end, (size_t)(slice_address(page) + span_bytes(page) - end)));
            while (page->free != NULL) {
                char *block = (char *)pop(page);
                assert_true(is_zero(block + BLOCK_ALIGN, page->block_bytes - BLOCK_ALIGN));
            }
        }
        page_free(page);
        span_purge_all();
    }
}

static void a_page_made_anew_starts_over(void **state) {
    (void)state;
    page_t *page = used_up_page(3);
    give(page, 0, 5);
    page_remake(page, NULL, 10);
    assert_null(page->free);
    assert_int_equal(page->capacity, 0);
    assert_int_equal(page->used, 0);
    assert_false(page->is_zero);
    assert_false(page_has_pending(page));
    assert_int_equal(page->block_limit, SLICE_BYTES / class_bytes(10));
    page_extend(page, 0);
    assert_true(pop_all(page) > 0);
    page_free(page);
}

/* Push all of blocks[] on the free list, in steps of `step` over the page. */
static void free_all(page_t *page, size_t step) {
    for (size_t i = 0; i < page->block_limit; i++) {
        block_t *block = blocks[i * step % page->block_limit];
        block->next = page->free;
        page->free = block;
        page->used--;
    }
}

static void a_scattered_list_is_straightened(void **state) {
    (void)state;
    FOR_EACH_CLASS(i) {
        page_t *page = used_up_page(i);
        free_all(page, 1);
        assert_false(page_is_scattered(page));
        page_straighten(page);
        assert_false(page_is_scattered(page));
        assert_int_equal(pop_all(page), page->block_limit);
        for (size_t j = 0; j < page->block_limit; j++) {
            assert_ptr_equal(blocks[j], slice_address(page) + j * class_bytes(i));
        }
        const size_t prime = 1000003;
        free_all(page, prime);
        assert_int_equal(page_is_scattered(page),
                         prime % page->block_limit != 1 && (prime + 1) % page->block_limit != 0);
        page_straighten(page);
        assert_false(page_is_scattered(page));
        assert_int_equal(pop_all(page), page->block_limit);
        page_free(page);
    }
}

static void every_pointer_leads_to_its_page_and_block(void **state) {
    (void)state;
    FOR_EACH_CLASS(i) {
        page_t *page = used_up_page(i);
        for (size_t offset = 0; offset < page->block_limit * page->block_bytes; offset += 8) {
            char *pointer = slice_address(page) + offset;
            assert_ptr_equal(span_head(slice_descriptor(slice_of(pointer))), page);
            assert_ptr_equal(page_block(page, pointer), blocks[offset / page->block_bytes]);
        }
        page_free(page);
    }
}

/* ---- the pending word ---- */

static void the_word_holds_every_block_and_count(void **state) {
    (void)state;
    FOR_EACH_CLASS(i) {
        page_t *page = used_up_page(i);
        for (uint32_t j = 0; j < page->block_limit; j++) {
            uint64_t pending = pending_of(blocks[j], j + 1);
            assert_int_equal(pending & PENDING_FULL, 0);
            assert_int_not_equal(pending, 0);
            assert_ptr_equal(pending_first(pending), blocks[j]);
            assert_int_equal(pending_count(pending), j + 1);
        }
        page_free(page);
    }
}

static void an_empty_word_holds_nothing(void **state) {
    (void)state;
    page_t *page = new_page(0);
    assert_null(pending_first(0));
    assert_null(pending_first(PENDING_FULL));
    assert_int_equal(pending_count(0), 0);
    assert_int_equal(pending_count(PENDING_FULL), 0);
    assert_false(page_has_pending(page));
    page_free(page);
}

/* ---- giving and collecting ---- */

static void what_is_given_is_collected(void **state) {
    (void)state;
    FOR_EACH_CLASS(i) {
        page_t *page = used_up_page(i);
        for (size_t count = 1; count <= page->block_limit; count += 1 + count / 2) {
            assert_null(give(page, 0, count));
            assert_int_equal(pending_count(load_relaxed(&page->thread_free)), count);
            assert_collects(page, 0, count);
        }
        page_free(page);
    }
}

static void chains_add_up_until_collected(void **state) {
    (void)state;
    FOR_EACH_CLASS(i) {
        page_t *page = used_up_page(i);
        for (size_t from = 0; from < page->block_limit; from += 3) {
            assert_null(give(page, from, size_min(from + 3, page->block_limit)));
        }
        assert_collects(page, 0, page->block_limit);
        page_free(page);
    }
}

static void a_full_page_keeps_the_first_block_as_a_token(void **state) {
    (void)state;
    FOR_EACH_CLASS(i) {
        page_t *page = used_up_page(i);
        for (size_t count = 1; count <= page->block_limit; count += 1 + count / 2) {
            assert_true(page_mark_full(page));
            assert_ptr_equal(give(page, 0, count), blocks[0]);
            assert_int_equal(pending_count(load_relaxed(&page->thread_free)), count - 1);
            assert_int_equal(page->used, page->block_limit);
            /* The token is on no list, and goes back like any block. */
            if (count > 1) assert_collects(page, 1, count);
            assert_null(give(page, 0, 1));
            assert_collects(page, 0, 1);
        }
        page_free(page);
    }
}

static void only_the_first_gift_to_a_full_page_leaves_a_token(void **state) {
    (void)state;
    page_t *page = used_up_page(5);
    assert_true(page_mark_full(page));
    assert_ptr_equal(give(page, 0, 1), blocks[0]);
    assert_null(give(page, 1, 2));
    assert_null(give(page, 2, 10));
    assert_collects(page, 1, 10);
    page_free(page);
}

static void a_page_with_gifts_is_not_full(void **state) {
    (void)state;
    page_t *page = used_up_page(5);
    assert_null(give(page, 0, 1));
    assert_false(page_mark_full(page));
    assert_collects(page, 0, 1);
    assert_true(page_mark_full(page));
    assert_false(page_mark_full(page));
    page_free(page);
}

static void blocks_in_use_are_told_from_the_count_of_each_state(void **state) {
    (void)state;
    for (uint32_t limit = 2; limit <= BLOCKS_MOST; limit++) {
        for (uint32_t in_use = limit - page_wake(limit); in_use <= limit; in_use++) {
            assert_int_equal(page_in_use(PAGE_CURRENT, in_use + 1, limit), in_use);
            assert_int_equal(page_in_use(PAGE_PARTIAL, in_use, limit), in_use);
            assert_int_equal(page_in_use(PAGE_RETAINED, in_use, limit), in_use);
            assert_int_equal(page_in_use(PAGE_FULL, in_use - (limit - page_wake(limit)), limit),
                             in_use);
        }
    }
}

/* ---- several threads ---- */

typedef struct giver {
    actor_t actor;
    page_t *page;
    size_t from, to;
} giver_t;

static void give_in_random_chains(void *argument) {
    giver_t *giver = argument;
    uint64_t random = giver->from + 1;
    for (size_t from = giver->from; from < giver->to;) {
        size_t to = size_min(from + 1 + random_below(&random, 20), giver->to);
        check(give(giver->page, from, to) == NULL);
        from = to;
    }
}

static void gifts_of_several_threads_are_collected_once_each(void **state) {
    (void)state;
    giver_t givers[GIVERS];
    for (size_t i = 0; i < GIVERS; i++) actor_start(&givers[i].actor);
    for (unsigned round = 0; round < ROUNDS; round++) {
        page_t *page = used_up_page(round % CLASS_LINEAR);
        bool found[BLOCKS_MOST] = {false};
        size_t limit = page->block_limit;
        for (size_t i = 0; i < GIVERS; i++) {
            givers[i].page = page;
            givers[i].from = limit * i / GIVERS;
            givers[i].to = limit * (i + 1) / GIVERS;
            actor_begin(&givers[i].actor, give_in_random_chains, &givers[i]);
        }
        for (size_t collected = 0; collected < limit;) {
            if (!page_has_pending(page)) continue;
            page_collect(page);
            for (block_t *block = page->free; block != NULL; block = block->next) {
                size_t index = index_of(page, block);
                assert_false(found[index]);
                found[index] = true;
                collected++;
            }
            page->free = NULL;
        }
        assert_int_equal(page->used, 0);
        for (size_t i = 0; i < GIVERS; i++) actor_wait(&givers[i].actor);
        assert_false(page_has_pending(page));
        page_free(page);
    }
    for (size_t i = 0; i < GIVERS; i++) actor_end(&givers[i].actor);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_block_is_handed_out_once),
        cmocka_unit_test(every_slice_leads_to_its_page_until_that_is_freed),
        cmocka_unit_test(extensions_double_from_4_to_16_kib),
        cmocka_unit_test(an_extension_long_after_the_last_is_as_short_as_the_first),
        cmocka_unit_test(what_is_not_linked_is_not_touched),
        cmocka_unit_test(a_page_made_anew_starts_over),
        cmocka_unit_test(a_scattered_list_is_straightened),
        cmocka_unit_test(every_pointer_leads_to_its_page_and_block),
        cmocka_unit_test(the_word_holds_every_block_and_count),
        cmocka_unit_test(an_empty_word_holds_nothing),
        cmocka_unit_test(what_is_given_is_collected),
        cmocka_unit_test(chains_add_up_until_collected),
        cmocka_unit_test(a_full_page_keeps_the_first_block_as_a_token),
        cmocka_unit_test(only_the_first_gift_to_a_full_page_leaves_a_token),
        cmocka_unit_test(a_page_with_gifts_is_not_full),
        cmocka_unit_test(blocks_in_use_are_told_from_the_count_of_each_state),
        cmocka_unit_test(gifts_of_several_threads_are_collected_once_each),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
