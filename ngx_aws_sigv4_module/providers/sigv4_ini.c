
/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */


#include <string.h>

#include "sigv4_ini.h"


static int sigv4_ini_cut_word(sigv4_str_t *section, const char *word);
static int sigv4_ini_same(sigv4_str_t a, sigv4_str_t b);
static int sigv4_ini_line(sigv4_ini_t *ini, sigv4_str_t *line,
    size_t *indent);
static int sigv4_ini_section(sigv4_ini_t *ini, sigv4_str_t line);
static int sigv4_ini_key(sigv4_ini_t *ini, sigv4_str_t line);
static void sigv4_ini_skip_continuation(sigv4_ini_t *ini);
static sigv4_str_t sigv4_ini_cut_comment(sigv4_str_t s);
static sigv4_str_t sigv4_ini_trim(const uint8_t *p, const uint8_t *last);
static int sigv4_ini_is_space(uint8_t c);


void
sigv4_ini_init(sigv4_ini_t *ini, sigv4_str_t text)
{
    memset(ini, 0, sizeof(sigv4_ini_t));

    if (text.len == 0) {
        return;
    }

    /* a byte order mark, as editors on Windows put it */

    if (text.len >= 3 && memcmp(text.data, "\xef\xbb\xbf", 3) == 0) {
        text.data += 3;
        text.len -= 3;
    }

    ini->pos = text.data;
    ini->end = text.data + text.len;
    ini->next = 1;
}


int
sigv4_ini_next(sigv4_ini_t *ini)
{
    sigv4_str_t  line;

    if (!sigv4_ini_line(ini, &line, &ini->indent)) {
        return SIGV4_INI_END;
    }

    if (line.data[0] == '[') {
        return sigv4_ini_section(ini, line);
    }

    return sigv4_ini_key(ini, line);
}


void
sigv4_ini_nested(const sigv4_ini_t *ini, sigv4_ini_t *nested)
{
    sigv4_ini_init(nested, ini->nested);

    nested->section = ini->section;
    nested->next = ini->line + 1;
    nested->flat = 1;
}


int
sigv4_ini_is(const sigv4_ini_t *ini, const char *name)
{
    size_t   i;
    uint8_t  c;

    if (ini->key.len != strlen(name)) {
        return 0;
    }

    for (i = 0; i < ini->key.len; i++) {
        c = ini->key.data[i];

        if (c >= 'A' && c <= 'Z') {
            c |= 0x20;
        }

        if (c != (uint8_t) name[i]) {
            return 0;
        }
    }

    return 1;
}


int
sigv4_ini_is_profile(sigv4_str_t section, sigv4_str_t name, int config)
{
    if (config && !sigv4_ini_cut_word(&section, "profile")
        && (section.len != 7 || memcmp(section.data, "default", 7) != 0))
    {
        return 0;
    }

    return sigv4_ini_same(section, name);
}


int
sigv4_ini_is_services(sigv4_str_t section, sigv4_str_t name)
{
    return sigv4_ini_cut_word(&section, "services")
           && sigv4_ini_same(section, name);
}


/* leaves the name alone that follows the word, if it is one */

static int
sigv4_ini_cut_word(sigv4_str_t *section, const char *word)
{
    size_t       i, len;
    uint8_t      quote;
    sigv4_str_t  name;

    len = strlen(word);

    if (section->len <= len || memcmp(section->data, word, len) != 0
        || !sigv4_ini_is_space(section->data[len]))
    {
        return 0;
    }

    name = sigv4_ini_trim(section->data + len, section->data + section->len);

    quote = name.data[0];

    if (quote == '"' || quote == '\'') {

        if (name.len < 2 || name.data[name.len - 1] != quote) {
            return 0;
        }

        name.data++;
        name.len -= 2;

    } else {

        /* a name with blanks must be in quotes */

        for (i = 0; i < name.len; i++) {
            if (sigv4_ini_is_space(name.data[i])) {
                return 0;
            }
        }
    }

    *section = name;

    return 1;
}


static int
sigv4_ini_same(sigv4_str_t a, sigv4_str_t b)
{
    return a.len == b.len && memcmp(a.data, b.data, a.len) == 0;
}


/*
 * The next line that is not empty or a comment, trimmed.  A file that was
 * edited on Windows or an old Mac has "\r\n" or "\r".
 */

static int
sigv4_ini_line(sigv4_ini_t *ini, sigv4_str_t *line, size_t *indent)
{
    const uint8_t  *p, *start;

    while (ini->pos < ini->end) {

        start = ini->pos;

        for (p = start; p < ini->end && *p != '\n' && *p != '\r'; p++) {
            /* void */
        }

        *line = sigv4_ini_trim(start, p);

        ini->line = ini->next++;
        ini->pos = p;

        if (p < ini->end) {
            ini->pos++;

            if (*p == '\r' && ini->pos < ini->end && *ini->pos == '\n') {
                ini->pos++;
            }
        }

        if (line->len && line->data[0] != '#' && line->data[0] != ';') {
            *indent = line->data - start;
            return 1;
        }
    }

    return 0;
}


static int
sigv4_ini_section(sigv4_ini_t *ini, sigv4_str_t line)
{
    sigv4_str_t     rest;
    const uint8_t  *close;

    close = memchr(line.data, ']', line.len);

    if (close == NULL) {
        return SIGV4_INVALID;
    }

    ini->section = sigv4_ini_trim(line.data + 1, close);

    rest = sigv4_ini_trim(close + 1, line.data + line.len);

    if (ini->section.len == 0
        || (rest.len && rest.data[0] != '#' && rest.data[0] != ';'))
    {
        return SIGV4_INVALID;
    }

    return SIGV4_INI_SECTION;
}


static int
sigv4_ini_key(sigv4_ini_t *ini, sigv4_str_t line)
{
    size_t          number;
    sigv4_str_t     value;
    const uint8_t  *eq;

    eq = memchr(line.data, '=', line.len);

    if (eq == NULL || ini->section.len == 0) {
        return SIGV4_INVALID;
    }

    ini->key = sigv4_ini_trim(line.data, eq);

    if (ini->key.len == 0) {
        return SIGV4_INVALID;
    }

    value.data = eq + 1;
    value.len = line.data + line.len - value.data;

    ini->value = sigv4_ini_cut_comment(value);

    number = ini->line;
    sigv4_ini_skip_continuation(ini);
    ini->line = number;

    return SIGV4_INI_KEY;
}


/*
 * Lines that are indented more than the key belong to it: settings below
 * an "s3 =", or a value that was broken in two, which the caller must not
 * take for the whole.
 */

static void
sigv4_ini_skip_continuation(sigv4_ini_t *ini)
{
    size_t          indent, next;
    sigv4_str_t     line;
    const uint8_t  *pos;

    ini->continued = 0;
    ini->nested.data = ini->pos;
    ini->nested.len = 0;

    if (ini->flat) {
        return;
    }

    for ( ;; ) {
        pos = ini->pos;
        next = ini->next;

        if (!sigv4_ini_line(ini, &line, &indent)) {
            return;
        }

        if (indent <= ini->indent) {
            ini->pos = pos;
            ini->next = next;
            return;
        }

        ini->continued = 1;
        ini->nested.len = ini->pos - ini->nested.data;
    }
}


static sigv4_str_t
sigv4_ini_cut_comment(sigv4_str_t s)
{
    size_t  i;

    for (i = 1; i < s.len; i++) {

        if ((s.data[i] == '#' || s.data[i] == ';')
            && sigv4_ini_is_space(s.data[i - 1]))
        {
            s.len = i;
            break;
        }
    }

    return sigv4_ini_trim(s.data, s.data + s.len);
}


static sigv4_str_t
sigv4_ini_trim(const uint8_t *p, const uint8_t *last)
{
    sigv4_str_t  s;

    while (p < last && sigv4_ini_is_space(*p)) {
        p++;
    }

    while (last > p && sigv4_ini_is_space(last[-1])) {
        last--;
    }

    s.data = p;
    s.len = last - p;

    return s;
}


static int
sigv4_ini_is_space(uint8_t c)
{
    return c == ' ' || c == '\t' || c == '\v' || c == '\f';
}
