
/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Strings, and which of them are the names that are looked for.
 */


#include "llm/sigv4_llm_json_parts.h"


#define SIGV4_LLM_JSON_ONES   UINT64_C(0x0101010101010101)
#define SIGV4_LLM_JSON_HIGHS  UINT64_C(0x8080808080808080)


static const uint8_t *sigv4_llm_json_plain(const uint8_t *p,
    const uint8_t *end);
static void sigv4_llm_json_string_ended(sigv4_llm_json_t *json, int64_t to);
static int sigv4_llm_json_utf8_lead(sigv4_llm_json_t *json, uint8_t c);
static void sigv4_llm_json_code(sigv4_llm_json_t *json, uint32_t code);
static void sigv4_llm_json_match_code(sigv4_llm_json_t *json, uint32_t code);
static void sigv4_llm_json_match(sigv4_llm_json_t *json, const uint8_t *data,
    size_t len);
static int sigv4_llm_json_same(const uint8_t *a, const uint8_t *b, size_t len);


const uint8_t *
sigv4_llm_json_string(sigv4_llm_json_t *json, const uint8_t *p,
    const uint8_t *end)
{
    const uint8_t  *start;

    start = p;
    p = sigv4_llm_json_plain(p, end);

    if (json->candidates && p != start) {
        sigv4_llm_json_match(json, start, p - start);
    }

    if (p == end) {
        return p;
    }

    if (*p == '"') {
        p++;
        sigv4_llm_json_string_ended(json, sigv4_llm_json_at(json, p));
        return p;
    }

    if (*p == '\\') {
        json->state = SIGV4_LLM_JSON_IN_ESCAPE;
        return p + 1;
    }

    if (*p >= 0x80) {
        json->state = SIGV4_LLM_JSON_IN_UTF8;
        return p;
    }

    /* RFC 8259, section 7: control characters must be escaped */

    return sigv4_llm_json_failed(json, SIGV4_LLM_JSON_SYNTAX);
}


/* eight bytes at once while none is a quote, "\", control or not ASCII */

static const uint8_t *
sigv4_llm_json_plain(const uint8_t *p, const uint8_t *end)
{
    uint64_t  w, quote, slash, special;

    while (end - p >= 8) {
        memcpy(&w, p, 8);

        quote = w ^ (SIGV4_LLM_JSON_ONES * '"');
        slash = w ^ (SIGV4_LLM_JSON_ONES * '\\');

        /* a borrow can only mark what follows one that is special */

        special = (w - SIGV4_LLM_JSON_ONES * 0x20)
                  | (quote - SIGV4_LLM_JSON_ONES)
                  | (slash - SIGV4_LLM_JSON_ONES)
                  | w;

        if (special & SIGV4_LLM_JSON_HIGHS) {
            break;
        }

        p += 8;
    }

    while (p < end && *p >= 0x20 && *p < 0x80 && *p != '"' && *p != '\\') {
        p++;
    }

    return p;
}


/*
 * Decoders that do not look at the case of names would take "MODEL" for
 * "model": beside the other it is a name that stands there twice.
 */

static void
sigv4_llm_json_string_ended(sigv4_llm_json_t *json, int64_t to)
{
    size_t                    i;
    uint32_t                  bit;
    sigv4_llm_json_member_t  *member;

    if (!json->key) {
        sigv4_llm_json_value_ended(json, to);
        return;
    }

    json->state = SIGV4_LLM_JSON_AT_COLON;

    for (i = 0; i < json->nnames && !json->surrogate; i++) {

        bit = UINT32_C(1) << i;

        if (!(json->candidates & bit)
            || json->names[i].len != json->matched)
        {
            continue;
        }

        member = &json->members[i];

        if (member->type != SIGV4_LLM_JSON_ABSENT || (json->variants & bit)) {
            json->duplicate = 1;
            return;
        }

        if (!(json->exact & bit)) {
            json->variants |= bit;
            return;
        }

        member->key_from = json->key_from;
        member->key_to = to;
        member->before = json->comma;

        json->member = member;

        return;
    }
}


/* a loop for itself: some languages have little else */

const uint8_t *
sigv4_llm_json_utf8(sigv4_llm_json_t *json, const uint8_t *p,
    const uint8_t *end)
{
    const uint8_t  *start;

    start = p;

    for ( /* void */ ; p < end; p++) {

        if (json->utf8 == 0) {

            if (*p < 0x80) {
                json->state = SIGV4_LLM_JSON_IN_STRING;
                break;
            }

            if (sigv4_llm_json_utf8_lead(json, *p) != SIGV4_OK) {
                return sigv4_llm_json_failed(json, SIGV4_LLM_JSON_SYNTAX);
            }

            continue;
        }

        if (*p < json->utf8_min || *p > json->utf8_max) {
            return sigv4_llm_json_failed(json, SIGV4_LLM_JSON_SYNTAX);
        }

        json->utf8--;
        json->utf8_min = 0x80;
        json->utf8_max = 0xbf;
    }

    if (json->candidates && p != start) {
        sigv4_llm_json_match(json, start, p - start);
    }

    return p;
}


/* RFC 3629, section 4: no overlong forms, no surrogates, up to U+10FFFF */

static int
sigv4_llm_json_utf8_lead(sigv4_llm_json_t *json, uint8_t c)
{
    if (c < 0xc2 || c > 0xf4) {
        return SIGV4_INVALID;
    }

    json->utf8 = (c < 0xe0) ? 1 : (c < 0xf0) ? 2 : 3;
    json->utf8_min = (c == 0xe0) ? 0xa0 : (c == 0xf0) ? 0x90 : 0x80;
    json->utf8_max = (c == 0xed) ? 0x9f : (c == 0xf4) ? 0x8f : 0xbf;

    return SIGV4_OK;
}


const uint8_t *
sigv4_llm_json_escape(sigv4_llm_json_t *json, const uint8_t *p,
    const uint8_t *end)
{
    uint8_t      c;
    const char  *found;

    static const char  escapes[] = "\"\\/bfnrt";
    static const char  decoded[] = "\"\\/\b\f\n\r\t";

    (void) end;

    if (*p == 'u') {
        json->state = SIGV4_LLM_JSON_IN_UNICODE;
        json->code = 0;
        json->digits = 0;

        return p + 1;
    }

    found = memchr(escapes, *p, sizeof(escapes) - 1);

    if (found == NULL) {
        return sigv4_llm_json_failed(json, SIGV4_LLM_JSON_SYNTAX);
    }

    json->state = SIGV4_LLM_JSON_IN_STRING;

    if (json->candidates) {
        c = (uint8_t) decoded[found - escapes];
        sigv4_llm_json_match(json, &c, 1);
    }

    return p + 1;
}


const uint8_t *
sigv4_llm_json_unicode(sigv4_llm_json_t *json, const uint8_t *p,
    const uint8_t *end)
{
    uint8_t  c, lower;

    while (p < end && json->digits < 4) {
        c = *p++;
        lower = c | 0x20;

        if (c >= '0' && c <= '9') {
            json->code = json->code * 16 + (c - '0');

        } else if (lower >= 'a' && lower <= 'f') {
            json->code = json->code * 16 + (lower - 'a' + 10);

        } else {
            return sigv4_llm_json_failed(json, SIGV4_LLM_JSON_SYNTAX);
        }

        json->digits++;
    }

    if (json->digits == 4) {
        json->state = SIGV4_LLM_JSON_IN_STRING;

        if (json->candidates) {
            sigv4_llm_json_code(json, json->code);
        }
    }

    return p;
}


/* a surrogate without the other one is in no name */

static void
sigv4_llm_json_code(sigv4_llm_json_t *json, uint32_t code)
{
    uint32_t  first;

    first = json->surrogate;

    if (code >= 0xdc00 && code <= 0xdfff) {

        if (first == 0) {
            json->candidates = 0;
            return;
        }

        json->surrogate = 0;
        code = 0x10000 + ((first - 0xd800) << 10) + (code - 0xdc00);

    } else if (code >= 0xd800 && code <= 0xdbff && first == 0) {
        json->surrogate = code;
        return;
    }

    sigv4_llm_json_match_code(json, code);
}


static void
sigv4_llm_json_match_code(sigv4_llm_json_t *json, uint32_t code)
{
    size_t   len;
    uint8_t  bytes[4];

    if (code < 0x80) {
        bytes[0] = (uint8_t) code;
        len = 1;

    } else if (code < 0x800) {
        bytes[0] = (uint8_t) (0xc0 | (code >> 6));
        bytes[1] = (uint8_t) (0x80 | (code & 0x3f));
        len = 2;

    } else if (code < 0x10000) {
        bytes[0] = (uint8_t) (0xe0 | (code >> 12));
        bytes[1] = (uint8_t) (0x80 | ((code >> 6) & 0x3f));
        bytes[2] = (uint8_t) (0x80 | (code & 0x3f));
        len = 3;

    } else {
        bytes[0] = (uint8_t) (0xf0 | (code >> 18));
        bytes[1] = (uint8_t) (0x80 | ((code >> 12) & 0x3f));
        bytes[2] = (uint8_t) (0x80 | ((code >> 6) & 0x3f));
        bytes[3] = (uint8_t) (0x80 | (code & 0x3f));
        len = 4;
    }

    sigv4_llm_json_match(json, bytes, len);
}


/* the names that begin with what was read so far remain candidates */

static void
sigv4_llm_json_match(sigv4_llm_json_t *json, const uint8_t *data, size_t len)
{
    size_t    i;
    uint32_t  bit;

    if (json->surrogate) {
        json->surrogate = 0;
        json->candidates = 0;
        return;
    }

    for (i = 0; i < json->nnames; i++) {
        bit = UINT32_C(1) << i;

        if (!(json->candidates & bit)) {
            continue;
        }

        if (len > json->names[i].len - json->matched
            || !sigv4_llm_json_same(json->names[i].data + json->matched, data,
                                    len))
        {
            json->candidates &= ~bit;

        } else if (memcmp(json->names[i].data + json->matched, data, len)
                   != 0)
        {
            json->exact &= ~bit;
        }
    }

    json->matched += len;
}


/* in whatever case */

static int
sigv4_llm_json_same(const uint8_t *a, const uint8_t *b, size_t len)
{
    size_t   i;
    uint8_t  c;

    for (i = 0; i < len; i++) {
        c = a[i] ^ b[i];

        if (c == 0) {
            continue;
        }

        /* letters of ASCII differ in one bit */

        if (c != 0x20 || (a[i] | 0x20) < 'a' || (a[i] | 0x20) > 'z') {
            return 0;
        }
    }

    return 1;
}
