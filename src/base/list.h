/* A doubly linked list of nodes that lie inside their objects. A node is in at most one list.
 * Whoever owns the list guards it with a lock of his own.
 *
 * Invariant: a list is a ring through its head; head.next is the first, head.previous the last.
 * SPDX-License-Identifier: MIT */
#ifndef EDDY_BASE_LIST_H
#define EDDY_BASE_LIST_H

#include "base/base.h"

typedef struct list_node {
    struct list_node *next;
    struct list_node *previous;
} list_node_t;

typedef struct list {
    list_node_t head;
} list_t;

/* The object of which `node_pointer` is the member `member`. */
#define list_object(node_pointer, type, member)                                                    \
    ((type *)(void *)((char *)(node_pointer)-offsetof(type, member)))

static inline void list_init(list_t *list) { list->head.next = list->head.previous = &list->head; }

static inline bool list_is_empty(const list_t *list) { return list->head.next == &list->head; }

static inline list_node_t *list_first(const list_t *list) {
    return list_is_empty(list) ? NULL : list->head.next;
}

static inline list_node_t *list_last(const list_t *list) {
    return list_is_empty(list) ? NULL : list->head.previous;
}

/* The node after `node`, NULL at the end. */
static inline list_node_t *list_next(const list_t *list, const list_node_t *node) {
    return node->next == &list->head ? NULL : node->next;
}

static inline void list_insert_after(list_node_t *place, list_node_t *node) {
    node->previous = place;
    node->next = place->next;
    place->next->previous = node;
    place->next = node;
}

static inline void list_push_first(list_t *list, list_node_t *node) {
    list_insert_after(&list->head, node);
}

static inline void list_push_last(list_t *list, list_node_t *node) {
    list_insert_after(list->head.previous, node);
}

static inline void list_remove(list_node_t *node) {
    assert_debug(node != NULL);
    assert_debug(node->next->previous == node && node->previous->next == node);
    node->previous->next = node->next;
    node->next->previous = node->previous;
}

/* Append all of `source` to `target`; `source` ends empty. */
static inline void list_append(list_t *target, list_t *source) {
    list_node_t *first = list_first(source), *last = list_last(source);
    if (first == NULL || last == NULL) return;
    first->previous = target->head.previous;
    last->next = &target->head;
    target->head.previous->next = first;
    target->head.previous = last;
    list_init(source);
}

#endif
