/* Lists, against an array.
 * SPDX-License-Identifier: MIT */
#include "base/list.h"

#include "common/test.h"

enum { OBJECTS = 40, LISTS = 3, STEPS = 20000 };

typedef struct object {
    unsigned number;
    list_node_t link;
} object_t;

/* The naive list: object numbers in order. */
typedef struct model {
    unsigned numbers[OBJECTS];
    size_t length;
} model_t;

static object_t objects[OBJECTS];
static list_t lists[LISTS];
static model_t models[LISTS];

static void model_insert(model_t *model, size_t at, unsigned number) {
    memmove(model->numbers + at + 1, model->numbers + at,
            (model->length - at) * sizeof *model->numbers);
    model->numbers[at] = number;
    model->length++;
}

static void model_remove(model_t *model, size_t at) {
    model->length--;
    memmove(model->numbers + at, model->numbers + at + 1,
            (model->length - at) * sizeof *model->numbers);
}

static unsigned number_of(const list_node_t *node) {
    return list_object(node, object_t, link)->number;
}

static void assert_like_model(const list_t *list, const model_t *model) {
    assert_int_equal(list_is_empty(list), model->length == 0);
    if (model->length == 0) {
        assert_null(list_first(list));
        assert_null(list_last(list));
        return;
    }
    list_node_t *node = list_first(list);
    for (size_t i = 0; i < model->length; i++, node = list_next(list, node)) {
        assert_non_null(node);
        assert_int_equal(number_of(node), model->numbers[i]);
        assert_ptr_equal(node->next->previous, node);
    }
    assert_null(node);
    assert_int_equal(number_of(list_last(list)), model->numbers[model->length - 1]);
}

/* Put the object where `choice` says, in both. */
static void insert(size_t at_list, unsigned number, size_t choice) {
    list_t *list = &lists[at_list];
    model_t *model = &models[at_list];
    list_node_t *node = &objects[number].link;
    if (choice == 0) {
        list_push_first(list, node);
        model_insert(model, 0, number);
    } else if (choice == 1 || model->length == 0) {
        list_push_last(list, node);
        model_insert(model, model->length, number);
    } else {
        size_t at = choice % model->length;
        list_insert_after(&objects[model->numbers[at]].link, node);
        model_insert(model, at + 1, number);
    }
}

static int start_empty(void **state) {
    (void)state;
    for (size_t i = 0; i < LISTS; i++) {
        list_init(&lists[i]);
        models[i].length = 0;
    }
    for (unsigned i = 0; i < OBJECTS; i++) objects[i].number = i;
    return 0;
}

static void random_lists_hold_what_arrays_hold(void **state) {
    (void)state;
    uint64_t random = 1;
    bool listed[OBJECTS] = {false};
    for (unsigned step = 0; step < STEPS; step++) {
        size_t at_list = random_below(&random, LISTS);
        model_t *model = &models[at_list];
        unsigned number = random_below(&random, OBJECTS);
        if (random_below(&random, 50) == 0) {
            size_t source = (at_list + 1) % LISTS;
            list_append(&lists[at_list], &lists[source]);
            for (size_t i = 0; i < models[source].length; i++) {
                model_insert(model, model->length, models[source].numbers[i]);
            }
            models[source].length = 0;
            assert_like_model(&lists[source], &models[source]);
        } else if (!listed[number]) {
            insert(at_list, number, random_below(&random, OBJECTS));
            listed[number] = true;
        } else if (model->length > 0) {
            size_t at = random_below(&random, (uint32_t)model->length);
            listed[model->numbers[at]] = false;
            list_remove(&objects[model->numbers[at]].link);
            model_remove(model, at);
        }
        assert_like_model(&lists[at_list], model);
    }
}

static void appending_nothing_changes_nothing(void **state) {
    (void)state;
    insert(0, 7, 0);
    list_append(&lists[0], &lists[1]);
    assert_like_model(&lists[0], &models[0]);
    list_append(&lists[1], &lists[2]);
    assert_true(list_is_empty(&lists[1]));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(random_lists_hold_what_arrays_hold, start_empty),
        cmocka_unit_test_setup(appending_nothing_changes_nothing, start_empty),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
