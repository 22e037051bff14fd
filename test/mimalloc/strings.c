/* Copies of strings.
 * SPDX-License-Identifier: MIT */
#include <limits.h>
#include <wchar.h>

#include "layer.h"

static void strdup_and_strndup_copy(void **state) {
    (void)state;
    char *whole = mi_strdup("maelstrom"), *part = mi_strndup("maelstrom", 4);
    char *all = mi_strndup("maelstrom", 100), *empty = mi_strdup("");
    assert_string_equal(whole, "maelstrom");
    assert_string_equal(part, "mael");
    assert_string_equal(all, "maelstrom");
    assert_string_equal(empty, "");
    mi_free(whole);
    mi_free(part);
    mi_free(all);
    mi_free(empty);
    assert_null(mi_strdup(NULL));
    assert_null(mi_strndup(NULL, 4));
}

static void other_characters_are_copied(void **state) {
    (void)state;
    wchar_t *wide = mi_wcsdup(L"m\u00e6lstrom");
    unsigned char *bytes = mi_mbsdup((const unsigned char *)"m\xc3\xa6lstrom");
    assert_int_equal(wcscmp(wide, L"m\u00e6lstrom"), 0);
    assert_string_equal((char *)bytes, "m\xc3\xa6lstrom");
    mi_free(wide);
    mi_free(bytes);
    assert_null(mi_wcsdup(NULL));
    assert_null(mi_mbsdup(NULL));
}

static void realpath_resolves(void **state) {
    (void)state;
    char *path = mi_realpath("/usr/..", NULL);
    assert_string_equal(path, "/");
    mi_free(path);
    char buffer[PATH_MAX];
    assert_ptr_equal(mi_realpath("/", buffer), buffer);
    assert_string_equal(buffer, "/");
    errno = 0;
    assert_null(mi_realpath("/no such name", NULL));
    assert_int_equal(errno, ENOENT);
}

static void dupenv_copies_a_variable(void **state) {
    (void)state;
    setenv("EDDYING", "round", 1);
    char *value = NULL;
    size_t size = 0;
    assert_int_equal(mi_dupenv_s(&value, &size, "EDDYING"), 0);
    assert_string_equal(value, "round");
    assert_int_equal(size, strlen("round"));
    mi_free(value);
    unsetenv("EDDYING");
    assert_int_equal(mi_dupenv_s(&value, &size, "EDDYING"), 0);
    assert_null(value);
    assert_int_equal(size, 0);
    assert_int_equal(mi_dupenv_s(NULL, &size, "EDDYING"), EINVAL);
    assert_int_equal(mi_dupenv_s(&value, &size, NULL), EINVAL);
}

RUN(cmocka_unit_test(strdup_and_strndup_copy), cmocka_unit_test(other_characters_are_copied),
    cmocka_unit_test(realpath_resolves), cmocka_unit_test(dupenv_copies_a_variable))
