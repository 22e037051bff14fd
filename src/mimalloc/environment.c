/* MIMALLOC_* in the environment, read when the library is loaded. A setuid program ignores it.
 * SPDX-License-Identifier: MIT */
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "mimalloc/options.h"

/* The variable of an option; NULL when it is not set. */
static const char *variable(const char *name) {
    char full[64] = "MIMALLOC_";
    size_t length = strlen(full);
    for (; *name != '\0' && length < sizeof full - 1; name++) {
        full[length++] = *name >= 'a' && *name <= 'z' ? (char)(*name - 'a' + 'A') : *name;
    }
    full[length] = '\0';
    return secure_getenv(full);
}

/* Make a number with the unit behind it KiB: bytes without one, as K, M, G or T say, KiB or KB too.
 * False when the text is no unit, or so many bytes have no size. */
static bool apply_unit(const char *unit, long *value) {
    static const char letters[] = "KMGT";
    const char *letter = *unit == '\0' ? NULL : strchr(letters, *unit & ~0x20);
    if (letter == NULL) {
        *value = *value / 1024 + (*value % 1024 > 0);
        return *unit == '\0';
    }
    unit++;
    if (strcasecmp(unit, "iB") != 0 && strcasecmp(unit, "B") != 0 && *unit != '\0') return false;
    if (__builtin_mul_overflow(*value, 1L << (10 * (letter - letters)), value)) return false;
    return *value <= LONG_MAX >> 10;
}

static bool is_one_of(const char *text, const char *const *words) {
    for (; *words != NULL; words++) {
        if (strcasecmp(text, *words) == 0) return true;
    }
    return false;
}

static bool parse(const option_row_t *row, const char *text, long *value) {
    static const char *const yes[] = {"", "1", "true", "yes", "on", NULL};
    static const char *const no[] = {"0", "false", "no", "off", NULL};
    bool is_yes = is_one_of(text, yes);
    if (is_yes || is_one_of(text, no)) {
        *value = is_yes;
        return true;
    }
    char *end;
    *value = strtol(text, &end, 10);
    if (end == text) return false;
    return row->in_kib ? apply_unit(end, value) : *end == '\0';
}

const char *option_variable(const option_row_t *row) {
    const char *text = variable(row->name);
    return text == NULL && row->older_name != NULL ? variable(row->older_name) : text;
}

bool option_from_environment(const option_row_t *row, long *value) {
    const char *text = option_variable(row);
    *value = 0;
    return text == NULL || parse(row, text, value);
}

static bool asks_for(mi_option_t option) {
    long value;
    return option_from_environment(option_row(option), &value) && value != 0;
}

const char *eddy_layer_options(void) {
    static const char *const strings[2][2] = {{"", "verbose=1"},
                                              {"huge_pages=yes", "huge_pages=yes verbose=1"}};
    return strings[asks_for(mi_option_allow_large_os_pages)][asks_for(mi_option_verbose)];
}

static void reserve(mi_option_t option, long value) {
    if (value <= 0) return;
    bool small_pages = option == mi_option_reserve_os_memory;
    int error = small_pages ? mi_reserve_os_memory((size_t)value << 10, true, false)
                            : mi_reserve_huge_os_pages_interleave((size_t)value, 0, 0);
    if (error == 0) return;
    layer_say(NULL, NULL, "eddy: the option %s of mimalloc: there %s; ask for less\n",
              option_row(option)->name,
              small_pages ? "are not so many addresses free below Eddy's memory"
                          : "are not so many pages of 1 GiB free, see vm.nr_hugepages");
}

/* False for a value that Eddy refuses. */
static bool apply(mi_option_t option, long value) {
    switch (option_row(option)->meaning) {
    case OPTION_AT_START:
        reserve(option, value);
        return true;
    case OPTION_AT_LOAD:
        return true; /* Eddy has asked for it. */
    default:
        /* To mimalloc "verbose" means statistics at exit, too. */
        if (option == mi_option_verbose && value != 0)
            (void)option_set_weakly(mi_option_show_stats, 1);
        return option_set_weakly(option, value);
    }
}

static void load(mi_option_t option) {
    const option_row_t *row = option_row(option);
    const char *text = option_variable(row);
    long value;
    if (text == NULL || (option_from_environment(row, &value) && apply(option, value))) return;
    layer_say(NULL, NULL, "eddy: '%s' is no value for the option %s of mimalloc\n", text,
              row->name);
}

/* Eddy starts now, with a first block, so that what the program maps from now on lies where it can
 * be handed in. */
__attribute__((constructor)) static void load_all(void) {
    eddy_free(eddy_malloc(0));
    for (int i = 0; i < _mi_option_last; i++) load((mi_option_t)i);
    if (mi_option_is_enabled(mi_option_verbose)) mi_options_print();
}
