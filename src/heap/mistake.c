/* SPDX-License-Identifier: MIT */
#include "heap/mistake.h"

#include <errno.h>
#include <stdlib.h>

#include "eddy.h"
#include "heap/fork.h"
#include "memory/region.h"
#include "os/os.h"

enum { TEXT_BYTES = 120 };

static _Atomic(eddy_error_fn *) handler;
static _Atomic(void *) handler_argument;

eddy_error_fn *eddy_on_error(eddy_error_fn *new_handler, void *argument) {
    store_relaxed(&handler_argument, argument);
    schedule_point();
    /* Release pairs with the acquire in mistake_tell: who sees the function sees its argument.
     * Acquire pairs with the release here, of who set the function that is returned. */
    return atomic_exchange_explicit(&handler, new_handler, memory_order_acq_rel);
}

bool mistake_tell(int error, const char *message, const void *pointer) {
    /* Acquire pairs with the release in eddy_on_error. */
    eddy_error_fn *handle = load_acquire(&handler);
    if (handle == NULL) return false;
    int saved = errno;
    handle(error, message, pointer, load_relaxed(&handler_argument));
    errno = saved;
    return true;
}

void mistake_report(const char *call, const void *pointer, int error, const char *text) {
    char message[TEXT_BYTES + 60];
    os_format(message, sizeof message, "%s(%p): %s", call, pointer, text);
    if (mistake_tell(error, message, pointer)) return;
    os_say("%s", message);
    abort();
}

/* ---- what is wrong with a pointer: its error number, the text through `text` ---- */

static int say(char *text, int error, const char *what) {
    os_format(text, TEXT_BYTES, "%s", what);
    return error;
}

static int say_inside(char *text, const void *pointer, const void *block, size_t bytes) {
    size_t distance = (size_t)((const char *)pointer - (const char *)block);
    os_format(text, TEXT_BYTES, "the pointer lies %zu bytes inside the block of %zu bytes at %p",
              distance, bytes, block);
    return EINVAL;
}

/* The head of the span that a slice below a front lies in, by walking back. */
static page_t *search_head(size_t slice) {
    page_t *descriptor = slice_descriptor(slice);
    page_t *at = descriptor;
    while (!at->begins_region && !span_kind_is_head(span_kind(at))) at--;
    bool covers = span_kind_is_head(span_kind(at)) && at + span_slices(at) > descriptor;
    return covers ? at : NULL;
}

static int about_page(char *text, page_t *page, const void *pointer) {
    page_view_t view = page_peek(page);
    if (view.state == PAGE_RETAINED) {
        return say(text, EAGAIN, "the block was freed before (its page is empty)");
    }
    const block_t *block = page_block(page, pointer);
    size_t number = (size_t)((const char *)block - slice_address(page)) / view.block_bytes;
    if (number >= view.capacity) return say(text, EINVAL, "no block was ever handed out there");
    if (block != pointer) return say_inside(text, pointer, block, view.block_bytes);
    return say(text, EAGAIN, "the block was freed before");
}

static int about_span(char *text, page_t *head, const void *pointer) {
    const char *block = slice_address(head) + head->large_offset;
    switch (span_kind(head)) {
    case SPAN_PAGE:
        return about_page(text, head, pointer);
    case SPAN_LARGE:
        if (pointer == block) return say(text, EAGAIN, "the block was freed before");
        if ((const char *)pointer < block) break;
        return say_inside(text, pointer, block, span_bytes(head) - head->large_offset);
    default:
        return say(text, EAGAIN, "the block was freed before (its memory is free)");
    }
    return say(text, EINVAL, "no block was ever handed out there");
}

static int about(char *text, const void *pointer) {
    size_t slice = slice_of(pointer);
    if (slice >= window.slices || !region_reserves(slice)) {
        return say(text, EINVAL, "not a block of Eddy (stack, global or foreign memory)");
    }
    page_t *head = region_contains(slice) ? search_head(slice) : NULL;
    if (head == NULL) return say(text, EINVAL, "no block was ever handed out there");
    return about_span(text, head, pointer);
}

void mistake_bad_pointer(const char *call, const void *pointer) {
    char text[TEXT_BYTES];
    int error = about(text, pointer);
    mistake_report(call, pointer, error, text);
}

void mistake_freed_twice(const void *block) {
    mistake_report("free", block, EAGAIN, "the block, or another one of its page, was freed twice");
}

void mistake_missing_blocks(page_t *page) {
    /* What a vanished thread was about to push or pop is lost without anybody's fault. */
    if (fork_lost_threads) return;
    page_distrust(page);
    char text[TEXT_BYTES];
    os_format(text, sizeof text,
              "free blocks of %zu bytes are missing here: one was freed twice, or written to",
              page->block_bytes);
    mistake_report("malloc", slice_address(page), EFAULT, text);
}

void mistake_broken_block(page_t *page) {
    const block_t *block = page->free;
    page_distrust(page);
    mistake_report("malloc", block, EFAULT, "the block was written to after it was freed");
}
