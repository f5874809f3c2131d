
/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */


#include "sigv4_refusal_parts.h"


/* no code of AWS is as long */
#define SIGV4_REFUSAL_CODE        64


static void sigv4_refusal_message(sigv4_refusal_t *refusal);
static const uint8_t *sigv4_refusal_quoted(sigv4_str_t s, const char *text,
    sigv4_str_t *value);


void
sigv4_refusal_read(sigv4_refusal_t *refusal, sigv4_str_t text,
    sigv4_buf_t *buf)
{
    sigv4_scan_t  scan;

    memset(refusal, 0, sizeof(sigv4_refusal_t));

    if (text.len == 0) {
        return;
    }

    scan.p = text.data;
    scan.end = text.data + text.len;
    scan.buf = buf;
    scan.refusal = refusal;

    /* a byte order mark */

    if (text.len > 3 && memcmp(scan.p, "\xef\xbb\xbf", 3) == 0) {
        scan.p += 3;
    }

    while (scan.p < scan.end
           && (*scan.p == ' ' || *scan.p == '\t' || *scan.p == '\n'
               || *scan.p == '\r'))
    {
        scan.p++;
    }

    if (scan.p == scan.end) {
        return;
    }

    switch (*scan.p) {

    case '<':
        sigv4_refusal_xml(&scan);
        break;

    case '{':
        sigv4_refusal_json(&scan);
        break;

    default:
        sigv4_refusal_cbor(&scan);
    }

    /* half a code is none */

    if (refusal->cut == &refusal->code) {
        refusal->code.len = 0;
    }

    refusal->code = sigv4_refusal_code(refusal->code);

    if (refusal->canonical_request.len == 0
        && refusal->string_to_sign.len == 0)
    {
        sigv4_refusal_message(refusal);
    }
}


sigv4_str_t
sigv4_refusal_code(sigv4_str_t s)
{
    size_t   i, start;
    uint8_t  c;

    start = 0;

    if (s.len == 0) {
        return s;
    }

    for (i = 0; i < s.len; i++) {
        c = s.data[i];

        if (c == '#') {
            start = i + 1;
            continue;
        }

        if (c == ':') {
            break;
        }

        if ((c < 'a' || c > 'z') && (c < 'A' || c > 'Z')
            && (c < '0' || c > '9') && c != '.' && c != '-' && c != '_')
        {
            s.len = 0;
            return s;
        }
    }

    s.data += start;
    s.len = i - start;

    if (s.len > SIGV4_REFUSAL_CODE) {
        s.len = 0;
    }

    return s;
}


/*
 * Services other than S3 say it in the message:
 *
 *     The Canonical String for this request should have been
 *     'GET
 *     ...'
 *
 *     The String-to-Sign should have been
 *     'AWS4-HMAC-SHA256
 *     ...'
 */

static void
sigv4_refusal_message(sigv4_refusal_t *refusal)
{
    sigv4_str_t     rest, message;
    const uint8_t  *p, *next;

    static const char  canonical[] =
        "The Canonical String for this request should have been";
    static const char  to_sign[] = "The String-to-Sign should have been";

    message = refusal->message;
    p = sigv4_find(message, canonical);

    if (p == NULL) {
        return;
    }

    rest.data = p;
    rest.len = message.data + message.len - p;

    next = sigv4_find(rest, to_sign);

    if (next != NULL) {
        rest.len = next - p;
    }

    (void) sigv4_refusal_quoted(rest, canonical,
                                &refusal->canonical_request);

    if (next == NULL) {
        if (refusal->cut == &refusal->message) {
            refusal->cut = &refusal->canonical_request;
        }

        return;
    }

    rest.data = next;
    rest.len = message.data + message.len - next;

    if (sigv4_refusal_quoted(rest, to_sign, &refusal->string_to_sign) == NULL
        || refusal->cut == &refusal->message)
    {
        refusal->cut = &refusal->string_to_sign;
    }
}


/*
 * From the first quote behind the text to the last one, as there may be
 * others in a header.  NULL: there is no last one.
 */

static const uint8_t *
sigv4_refusal_quoted(sigv4_str_t s, const char *text, sigv4_str_t *value)
{
    const uint8_t  *p, *last;

    p = s.data + strlen(text);
    last = s.data + s.len;

    while (p < last && *p != '\'') {
        p++;
    }

    if (p == last) {
        return NULL;
    }

    value->data = ++p;

    for (s.data = last; s.data > p; s.data--) {
        if (s.data[-1] == '\'') {
            value->len = s.data - 1 - p;
            return s.data;
        }
    }

    value->len = last - p;

    return NULL;
}


void
sigv4_scan_utf8(sigv4_scan_t *scan, uint32_t c)
{
    if (c < 0x80) {
        sigv4_scan_put(scan, (uint8_t) c);

    } else if (c < 0x800) {
        sigv4_scan_put(scan, (uint8_t) (0xc0 | c >> 6));
        sigv4_scan_put(scan, (uint8_t) (0x80 | (c & 0x3f)));

    } else if (c < 0x10000 && (c < 0xd800 || c > 0xdfff)) {
        sigv4_scan_put(scan, (uint8_t) (0xe0 | c >> 12));
        sigv4_scan_put(scan, (uint8_t) (0x80 | (c >> 6 & 0x3f)));
        sigv4_scan_put(scan, (uint8_t) (0x80 | (c & 0x3f)));

    } else if (c >= 0x10000 && c < 0x110000) {
        sigv4_scan_put(scan, (uint8_t) (0xf0 | c >> 18));
        sigv4_scan_put(scan, (uint8_t) (0x80 | (c >> 12 & 0x3f)));
        sigv4_scan_put(scan, (uint8_t) (0x80 | (c >> 6 & 0x3f)));
        sigv4_scan_put(scan, (uint8_t) (0x80 | (c & 0x3f)));

    } else {
        sigv4_scan_put(scan, '?');
    }
}


const uint8_t *
sigv4_find(sigv4_str_t s, const char *text)
{
    size_t          len;
    const uint8_t  *p, *last;

    len = strlen(text);

    if (s.len < len) {
        return NULL;
    }

    last = s.data + s.len - len + 1;

    for (p = s.data; p < last; p++) {
        p = memchr(p, text[0], last - p);

        if (p == NULL) {
            return NULL;
        }

        if (memcmp(p, text, len) == 0) {
            return p;
        }
    }

    return NULL;
}
