/* SPDX-License-Identifier: MIT */
#include "alloc/error.h"

#include <errno.h>
#include <stdlib.h>

#include "eddy.h"
#include "os/os.h"

static _Atomic(eddy_error_fn *) handler;
static _Atomic(void *) handler_argument;

eddy_error_fn *eddy_on_error(eddy_error_fn *new_handler, void *argument) {
    store_relaxed(&handler_argument, argument);
    schedule_point();
    return atomic_exchange_explicit(&handler, new_handler, memory_order_acq_rel);
}

/* False when the program has no handler. */
static bool handled(int error, const char *message, const void *pointer) {
    eddy_error_fn *handle = load_acquire(&handler);
    if (handle == NULL) return false;
    handle(error, message, pointer, load_relaxed(&handler_argument));
    return true;
}

void error_report(const char *call, const void *pointer, mistake_t mistake) {
    char message[200];
    os_format(message, sizeof message, "%s(%p): %s", call, pointer, mistake.text);
    if (handled(mistake.error, message, pointer)) return;
    os_say("%s", message);
    abort();
}

/* The head of the span that a slice lies in, by walking back; for messages only. */
static page_t *search_head(page_t *descriptor) {
    page_t *at = descriptor;
    while (slice_index(at) > 0 && !span_kind_is_head(span_kind(at))) at--;
    bool covers = span_kind_is_head(span_kind(at)) && at + span_slices(at) > descriptor;
    return covers ? at : NULL;
}

static mistake_t mistake_in_page(page_t *page, const void *pointer) {
    if (page->state == PAGE_RETAINED) {
        return (mistake_t){EAGAIN, "the block was freed before (its page is empty)"};
    }
    if (page_block(page, pointer) != pointer) {
        return (mistake_t){EINVAL, "the pointer lies inside a block"};
    }
    return (mistake_t){EAGAIN, "the block was freed before, or never allocated"};
}

static mistake_t mistake_of(const void *pointer) {
    size_t slice = slice_of(pointer);
    if (slice >= window.slices) {
        return (mistake_t){EINVAL, "not a block of Eddy (stack, global or foreign memory)"};
    }
    page_t *head = search_head(slice_descriptor(slice));
    if (head == NULL) return (mistake_t){EINVAL, "not a block of Eddy (memory never handed out)"};
    switch (span_kind(head)) {
    case SPAN_PAGE:
        return mistake_in_page(head, pointer);
    case SPAN_LARGE:
        return (mistake_t){EINVAL, "the pointer lies inside a large block"};
    case SPAN_CLEAN:
    case SPAN_DIRTY:
    case SPAN_KEPT:
    case SPAN_GROUND:
    case SPAN_TRANSIT:
        return (mistake_t){EAGAIN, "the block was freed before (its memory is free)"};
    default:
        return (mistake_t){EINVAL, "not a block of Eddy"};
    }
}

void error_bad_pointer(const char *call, const void *pointer) {
    error_report(call, pointer, mistake_of(pointer));
}

void *error_no_memory(void) {
    (void)handled(ENOMEM, "no memory, or a size that no memory holds", NULL);
    errno = ENOMEM;
    return NULL;
}

void *error_invalid(void) {
    errno = EINVAL;
    return NULL;
}
