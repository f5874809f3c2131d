
/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */


#include "sigv4_refusal_parts.h"


static int sigv4_json_object(sigv4_scan_t *scan, int inner);
static int sigv4_json_member(sigv4_scan_t *scan, int inner);
static sigv4_str_t *sigv4_json_value(sigv4_refusal_t *refusal,
    sigv4_str_t key);
static int sigv4_json_string(sigv4_scan_t *scan, sigv4_str_t *value);
static int sigv4_json_escape(sigv4_scan_t *scan);
static int sigv4_json_unicode(sigv4_scan_t *scan, uint32_t *c);
static int sigv4_json_skip(sigv4_scan_t *scan);
static int sigv4_json_skip_string(sigv4_scan_t *scan, sigv4_str_t *raw);
static int sigv4_json_next(sigv4_scan_t *scan, uint8_t c);


/*
 * Members of the outermost object, and of "Error", "error" or "Output" in
 * it.  All functions return 0 where the text ends, or is no JSON: what has
 * been read till then counts.
 */

void
sigv4_refusal_json(sigv4_scan_t *scan)
{
    (void) sigv4_json_object(scan, 0);
}


static int
sigv4_json_object(sigv4_scan_t *scan, int inner)
{
    if (!sigv4_json_next(scan, '{')) {
        return 0;
    }

    if (sigv4_json_next(scan, '}')) {
        return 1;
    }

    do {
        if (!sigv4_json_member(scan, inner)) {
            return 0;
        }

    } while (sigv4_json_next(scan, ','));

    return sigv4_json_next(scan, '}');
}


static int
sigv4_json_member(sigv4_scan_t *scan, int inner)
{
    sigv4_str_t  key, *value;

    if (!sigv4_json_next(scan, '"')
        || !sigv4_json_skip_string(scan, &key)
        || !sigv4_json_next(scan, ':'))
    {
        return 0;
    }

    if (sigv4_json_next(scan, '"')) {
        value = sigv4_json_value(scan->refusal, key);

        return value != NULL ? sigv4_json_string(scan, value)
                             : sigv4_json_skip_string(scan, NULL);
    }

    if (!inner
        && scan->p < scan->end && *scan->p == '{'
        && (sigv4_str_is(key, "Error")
            || sigv4_str_is(key, "error")
            || sigv4_str_is(key, "Output")))
    {
        return sigv4_json_object(scan, 1);
    }

    return sigv4_json_skip(scan);
}


/* the first of each kind counts */

static sigv4_str_t *
sigv4_json_value(sigv4_refusal_t *refusal, sigv4_str_t key)
{
    sigv4_str_t  *value;

    if (sigv4_str_is(key, "__type")
        || sigv4_str_is(key, "code")
        || sigv4_str_is(key, "Code"))
    {
        value = &refusal->code;

    } else if (sigv4_str_is(key, "message") || sigv4_str_is(key, "Message")) {
        value = &refusal->message;

    } else {
        return NULL;
    }

    return value->data == NULL ? value : NULL;
}


static int
sigv4_json_string(sigv4_scan_t *scan, sigv4_str_t *value)
{
    uint8_t  c;

    sigv4_scan_begin(scan, value);

    while (scan->p < scan->end) {
        c = *scan->p++;

        if (c == '"') {
            sigv4_scan_end(scan, value);
            return 1;
        }

        if (c != '\\') {
            sigv4_scan_put(scan, c);

        } else if (!sigv4_json_escape(scan)) {
            break;
        }
    }

    sigv4_scan_end(scan, value);

    scan->refusal->cut = value;

    return 0;
}


static int
sigv4_json_escape(sigv4_scan_t *scan)
{
    uint8_t      c;
    uint32_t     code, low;
    const char  *p;

    static const char  from[] = "\"\\/bfnrt";
    static const char  to[] = "\"\\/\b\f\n\r\t";

    if (scan->p == scan->end) {
        return 0;
    }

    c = *scan->p++;

    if (c != 'u') {
        p = c ? strchr(from, c) : NULL;

        if (p != NULL) {
            sigv4_scan_put(scan, (uint8_t) to[p - from]);
        }

        return p != NULL;
    }

    if (!sigv4_json_unicode(scan, &code)) {
        return 0;
    }

    if (code >= 0xd800 && code < 0xdc00
        && scan->end - scan->p >= 2
        && scan->p[0] == '\\' && scan->p[1] == 'u')
    {
        scan->p += 2;

        if (!sigv4_json_unicode(scan, &low)) {
            return 0;
        }

        if (low < 0xdc00 || low > 0xdfff) {
            sigv4_scan_utf8(scan, code);
            code = low;

        } else {
            code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
        }
    }

    sigv4_scan_utf8(scan, code);

    return 1;
}


static int
sigv4_json_unicode(sigv4_scan_t *scan, uint32_t *c)
{
    int      i;
    uint8_t  digit;

    if (scan->end - scan->p < 4) {
        return 0;
    }

    for (*c = 0, i = 0; i < 4; i++) {
        digit = *scan->p++;

        if (digit >= '0' && digit <= '9') {
            digit -= '0';

        } else if ((digit | 0x20) >= 'a' && (digit | 0x20) <= 'f') {
            digit = (digit | 0x20) - 'a' + 10;

        } else {
            return 0;
        }

        *c = *c << 4 | digit;
    }

    return 1;
}


/* a value that is no string, however deep */

static int
sigv4_json_skip(sigv4_scan_t *scan)
{
    size_t   depth;
    uint8_t  c;

    for (depth = 0; scan->p < scan->end; scan->p++) {
        c = *scan->p;

        if (c == '"') {
            scan->p++;

            if (!sigv4_json_skip_string(scan, NULL)) {
                return 0;
            }

            scan->p--;

        } else if (c == '{' || c == '[') {
            depth++;

        } else if (c == '}' || c == ']') {
            if (depth == 0) {
                return 1;
            }

            depth--;

        } else if (c == ',' && depth == 0) {
            return 1;
        }
    }

    return 0;
}


/* behind its first quote; goes behind the last */

static int
sigv4_json_skip_string(sigv4_scan_t *scan, sigv4_str_t *raw)
{
    const uint8_t  *start;

    start = scan->p;

    for ( /* void */ ; scan->p < scan->end; scan->p++) {

        if (*scan->p == '"') {
            if (raw != NULL) {
                raw->data = start;
                raw->len = scan->p - start;
            }

            scan->p++;
            return 1;
        }

        if (*scan->p == '\\') {
            scan->p++;

            if (scan->p == scan->end) {
                return 0;
            }
        }
    }

    return 0;
}


/* whether the byte is next, which is read then */

static int
sigv4_json_next(sigv4_scan_t *scan, uint8_t c)
{
    while (scan->p < scan->end
           && (*scan->p == ' ' || *scan->p == '\t' || *scan->p == '\n'
               || *scan->p == '\r'))
    {
        scan->p++;
    }

    if (scan->p == scan->end || *scan->p != c) {
        return 0;
    }

    scan->p++;

    return 1;
}
