/* SPDX-License-Identifier: MIT */
#include "config/options.h"

#include <string.h>

#include "base/atomic.h"
#include "config/ablate.h"
#include "os/os.h"

/* The program may define it; a weak reference, so that it need not. */
extern const char *eddy_options __attribute__((weak));

/* The layer of mimalloc defines it: what its variables mean to Eddy from the start on, in the form
 * of the program's string, which wins. */
extern const char *eddy_layer_options(void) __attribute__((weak));

enum { NAME_MAX_BYTES = 32 };
static const char environment_prefix[] = "EDDY_";

typedef struct option_row {
    const char *name;
    int64_t standard, least, most;
    bool is_size; /* takes K, M, G, T behind the number */
    const char
        *words; /* what stands for 0, 1 ... in turn, or NULL; with a colon: and more behind */
    _Atomic int64_t value;
    _Atomic bool is_set; /* `value` is somebody's choice */
} option_row_t;

#define ROW(option_label, standard_value, least_value, most_value, size, value_words)              \
    {                                                                                              \
        option_label, standard_value, least_value, most_value, size, value_words, standard_value,  \
            false                                                                                  \
    }

static option_row_t rows[EDDY_OPTION_COUNT] = {
    [EDDY_OPTION_DECAY_MS] = ROW("decay_ms", 500, -1, INT32_MAX, false, NULL),
    [EDDY_OPTION_RETAIN_MAX] = ROW("retain_max", 256 << 20, 0, INT64_MAX, true, NULL),
    [EDDY_OPTION_LIMIT] = ROW("limit", 0, 0, INT64_MAX, true, NULL),
    [EDDY_OPTION_STATS] = ROW("stats", 0, 0, 1, false, "no exit json: signal:"),
    [EDDY_OPTION_VERBOSE] = ROW("verbose", 0, 0, 1, false, NULL),
    [EDDY_OPTION_SOFT_LIMIT] = ROW("soft_limit", -1, -1, INT64_MAX, true, NULL),
    [EDDY_OPTION_HUGE_PAGES] = ROW("huge_pages", 0, 0, 1, false, "no yes"),
    [EDDY_OPTION_SCAVENGER] = ROW("scavenger", 1, 0, 2, false, "never auto always"),
    [EDDY_OPTION_ADDED_ONLY] = ROW("added_only", 0, 0, 1, false, NULL),
};

int64_t option_get(eddy_option_t option) { return load_relaxed(&rows[option].value); }

static bool is_in_range(const option_row_t *row, int64_t value) {
    return value >= row->least && value <= row->most;
}

static void choose(option_row_t *row, int64_t value) {
    store_relaxed(&row->value, value);
    store_relaxed(&row->is_set, true);
}

bool option_set(eddy_option_t option, int64_t value) {
    option_row_t *row = &rows[option];
    if (!is_in_range(row, value)) return false;
    choose(row, value);
    return true;
}

bool option_set_default(eddy_option_t option, int64_t value) {
    option_row_t *row = &rows[option];
    if (!is_in_range(row, value)) return false;
    if (!load_relaxed(&row->is_set)) store_relaxed(&row->value, value);
    return true;
}

/* Multiply by what one size letter means; NULL on overflow or an unknown letter. */
static const char *parse_unit(const char *text, int64_t *value) {
    static const char letters[] = "KMGT";
    if (*text == '\0') return text;
    const char *letter = strchr(letters, *text);
    if (letter == NULL) return NULL;
    int64_t unit = (int64_t)1 << (10 * (letter - letters + 1));
    return __builtin_mul_overflow(*value, unit, value) ? NULL : text + 1;
}

/* What stood behind a word with a colon. */
static char argument[200];

const char *option_argument(void) { return argument; }

static bool keep_argument(const char *text) {
    size_t length = strlen(text);
    if (length == 0 || length >= sizeof argument) return false;
    memcpy(argument, text, length + 1);
    return true;
}

/* Whether `text` is the word of that length, or begins with it and has more behind a colon. */
static bool is_word(const char *word, size_t length, const char *text) {
    if (strncmp(word, text, length) != 0) return false;
    return word[length - 1] == ':' ? keep_argument(text + length) : text[length] == '\0';
}

/* The number of `text` among the words. */
static bool parse_word(const char *words, const char *text, int64_t *value) {
    for (*value = 0; *words != '\0'; ++*value) {
        size_t length = strcspn(words, " ");
        if (is_word(words, length, text)) return true;
        words += length;
        words += strspn(words, " ");
    }
    return false;
}

/* The whole of `text` as a value of the row; false when it is malformed or out of range. */
static bool parse_value(const option_row_t *row, const char *text, int64_t *value) {
    if (row->words != NULL && parse_word(row->words, text, value)) return true;
    bool negative = *text == '-';
    if (negative) text++;
    if (*text < '0' || *text > '9') return false;
    *value = 0;
    for (; *text >= '0' && *text <= '9'; text++) {
        if (__builtin_mul_overflow(*value, 10, value)) return false;
        if (__builtin_add_overflow(*value, *text - '0', value)) return false;
    }
    if (row->is_size && (text = parse_unit(text, value)) == NULL) return false;
    if (negative) *value = -*value;
    return *text == '\0' && is_in_range(row, *value);
}

static void set_from_text(option_row_t *row, const char *text, const char *source) {
    int64_t value;
    if (parse_value(row, text, &value)) {
        choose(row, value);
    } else {
        os_say("%s: '%s' is no value for %s (include/eddy.h lists them); it is ignored", source,
               text, row->name);
    }
}

static option_row_t *find_row(const char *name) {
    for (size_t i = 0; i < EDDY_OPTION_COUNT; i++) {
        if (strcmp(rows[i].name, name) == 0) return &rows[i];
    }
    return NULL;
}

/* One "name=value" of the link-time string. */
static void set_from_item(const char *item, size_t length) {
    char text[96];
    if (length >= sizeof text) {
        os_say("eddy_options: an item is longer than %zu bytes; it is ignored", sizeof text - 1);
        return;
    }
    memcpy(text, item, length);
    text[length] = '\0';
    char *equals = strchr(text, '=');
    if (equals != NULL) *equals = '\0';
    option_row_t *row = find_row(text);
    if (row == NULL || equals == NULL) {
        os_say("eddy_options: '%s' is no option with a value; it is ignored", text);
        return;
    }
    set_from_text(row, equals + 1, "eddy_options");
}

static void load_string(const char *string) {
    while (*string != '\0') {
        size_t length = strcspn(string, " ");
        if (length > 0) set_from_item(string, length);
        string += length;
        string += strspn(string, " ");
    }
}

static char upper(char c) { return c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c; }

/* The name of the option's environment variable. */
static void name_variable(const option_row_t *row, char name[NAME_MAX_BYTES]) {
    size_t length = sizeof environment_prefix - 1;
    memcpy(name, environment_prefix, length);
    for (const char *c = row->name; *c != '\0'; c++) name[length++] = upper(*c);
    name[length] = '\0';
}

static void load_environment(option_row_t *row) {
    char name[NAME_MAX_BYTES];
    name_variable(row, name);
    const char *text = os_environment(name);
    if (text != NULL) set_from_text(row, text, name);
}

/* Read elsewhere: by ablate.c in the builds made for it, and by the benchmarks. */
static bool is_other(const char *name) {
    return strcmp(name, "EDDY_ABLATE") == 0 || strncmp(name, "EDDY_BENCH_", 11) == 0;
}

static bool is_variable(const char *name) {
    char known[NAME_MAX_BYTES];
    for (size_t i = 0; i < EDDY_OPTION_COUNT; i++) {
        name_variable(&rows[i], known);
        if (strcmp(known, name) == 0) return true;
    }
    return is_other(name);
}

/* Say which EDDY_* variables mean nothing, so that a misspelt one is noticed. */
static void report_unknown(void) {
    extern char **environ;
    if (os_is_secure() || environ == NULL) return;
    for (char **entry = environ; *entry != NULL; entry++) {
        if (strncmp(*entry, environment_prefix, sizeof environment_prefix - 1) != 0) continue;
        char name[NAME_MAX_BYTES];
        size_t length = size_min(strcspn(*entry, "="), sizeof name - 1);
        memcpy(name, *entry, length);
        name[length] = '\0';
        if (!is_variable(name)) os_say("%s is no option; it is ignored", name);
    }
}

void options_load(void) {
    if (eddy_layer_options != NULL) load_string(eddy_layer_options());
    if (&eddy_options != NULL && eddy_options != NULL) load_string(eddy_options);
    for (size_t i = 0; i < EDDY_OPTION_COUNT; i++) load_environment(&rows[i]);
    ablate_load();
    report_unknown();
}
