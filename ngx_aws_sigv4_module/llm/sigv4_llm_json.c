
/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */


#include "llm/sigv4_llm_json_parts.h"


typedef const uint8_t *(*sigv4_llm_json_step_pt)(sigv4_llm_json_t *json,
    const uint8_t *p, const uint8_t *end);


static const uint8_t *sigv4_llm_json_value(sigv4_llm_json_t *json,
    const uint8_t *p, const uint8_t *end);
static const uint8_t *sigv4_llm_json_first_value(sigv4_llm_json_t *json,
    const uint8_t *p, const uint8_t *end);
static const uint8_t *sigv4_llm_json_open(sigv4_llm_json_t *json,
    const uint8_t *p);
static const uint8_t *sigv4_llm_json_close(sigv4_llm_json_t *json,
    const uint8_t *p);
static void sigv4_llm_json_start_string(sigv4_llm_json_t *json, int key);
static const uint8_t *sigv4_llm_json_key(sigv4_llm_json_t *json,
    const uint8_t *p, const uint8_t *end);
static const uint8_t *sigv4_llm_json_first_key(sigv4_llm_json_t *json,
    const uint8_t *p, const uint8_t *end);
static const uint8_t *sigv4_llm_json_colon(sigv4_llm_json_t *json,
    const uint8_t *p, const uint8_t *end);
static const uint8_t *sigv4_llm_json_after(sigv4_llm_json_t *json,
    const uint8_t *p, const uint8_t *end);
static const uint8_t *sigv4_llm_json_comma(sigv4_llm_json_t *json,
    const uint8_t *p);
static const uint8_t *sigv4_llm_json_end(sigv4_llm_json_t *json,
    const uint8_t *p, const uint8_t *end);
static int sigv4_llm_json_in_object(sigv4_llm_json_t *json);
static const uint8_t *sigv4_llm_json_blanks(const uint8_t *p,
    const uint8_t *end);


/* in the order of sigv4_llm_json_state_e */
static const sigv4_llm_json_step_pt  sigv4_llm_json_steps[] = {
    sigv4_llm_json_value,
    sigv4_llm_json_first_value,
    sigv4_llm_json_key,
    sigv4_llm_json_first_key,
    sigv4_llm_json_colon,
    sigv4_llm_json_after,
    sigv4_llm_json_string,
    sigv4_llm_json_utf8,
    sigv4_llm_json_escape,
    sigv4_llm_json_unicode,
    sigv4_llm_json_number,
    sigv4_llm_json_literal,
    sigv4_llm_json_end
};


void
sigv4_llm_json_init(sigv4_llm_json_t *json, const sigv4_str_t *names,
    size_t nnames, sigv4_llm_json_member_t *members)
{
    memset(json, 0, sizeof(sigv4_llm_json_t));

    json->names = names;
    json->nnames = nnames;
    json->members = members;
    json->comma = -1;

    if (nnames) {
        memset(members, 0, nnames * sizeof(sigv4_llm_json_member_t));
    }
}


int
sigv4_llm_json_feed(sigv4_llm_json_t *json, const uint8_t *data, size_t len)
{
    const uint8_t  *p, *end;

    if (json->rc != SIGV4_OK || len == 0) {
        return json->rc;
    }

    json->chunk = data;
    end = data + len;

    for (p = data; p < end; /* void */ ) {
        p = sigv4_llm_json_steps[json->state](json, p, end);

        if (p == NULL) {
            return json->rc;
        }
    }

    json->offset += len;

    return SIGV4_OK;
}


int
sigv4_llm_json_finish(sigv4_llm_json_t *json)
{
    if (json->rc != SIGV4_OK) {
        return json->rc;
    }

    if (json->depth == 0 && sigv4_llm_json_number_done(json)) {
        json->state = SIGV4_LLM_JSON_AT_END;
    }

    if (json->state != SIGV4_LLM_JSON_AT_END) {
        json->rc = SIGV4_LLM_JSON_SYNTAX;

    } else if (json->no_object) {
        json->rc = SIGV4_LLM_JSON_NO_OBJECT;

    } else if (json->duplicate) {
        json->rc = SIGV4_LLM_JSON_DUPLICATE;
    }

    return json->rc;
}


const uint8_t *
sigv4_llm_json_failed(sigv4_llm_json_t *json, int rc)
{
    json->rc = rc;

    return NULL;
}


static const uint8_t *
sigv4_llm_json_value(sigv4_llm_json_t *json, const uint8_t *p,
    const uint8_t *end)
{
    p = sigv4_llm_json_blanks(p, end);

    if (p == end) {
        return p;
    }

    if (json->depth == 0 && *p != '{') {
        json->no_object = 1;
    }

    if (*p == '{' || *p == '[') {
        return sigv4_llm_json_open(json, p);
    }

    if (*p == '"') {
        sigv4_llm_json_type(json, p, SIGV4_LLM_JSON_STRING);
        sigv4_llm_json_start_string(json, 0);
        return p + 1;
    }

    return sigv4_llm_json_scalar(json, p);
}


static const uint8_t *
sigv4_llm_json_first_value(sigv4_llm_json_t *json, const uint8_t *p,
    const uint8_t *end)
{
    p = sigv4_llm_json_blanks(p, end);

    if (p == end) {
        return p;
    }

    return (*p == ']') ? sigv4_llm_json_close(json, p)
                       : sigv4_llm_json_value(json, p, end);
}


static const uint8_t *
sigv4_llm_json_open(sigv4_llm_json_t *json, const uint8_t *p)
{
    uint8_t   bit;
    unsigned  object;

    if (json->depth == SIGV4_LLM_JSON_DEPTH) {
        return sigv4_llm_json_failed(json, SIGV4_LLM_JSON_TOO_DEEP);
    }

    object = (*p == '{');

    if (json->depth == 0) {
        json->object.from = sigv4_llm_json_at(json, p);
    }

    sigv4_llm_json_type(json, p, object ? SIGV4_LLM_JSON_OBJECT
                                        : SIGV4_LLM_JSON_ARRAY);

    bit = (uint8_t) (1 << (json->depth % 8));

    if (object) {
        json->nesting[json->depth / 8] |= bit;

    } else {
        json->nesting[json->depth / 8] &= (uint8_t) ~bit;
    }

    json->depth++;
    json->state = object ? SIGV4_LLM_JSON_AT_FIRST_KEY
                         : SIGV4_LLM_JSON_AT_FIRST_VALUE;

    return p + 1;
}


static const uint8_t *
sigv4_llm_json_close(sigv4_llm_json_t *json, const uint8_t *p)
{
    p++;
    json->depth--;

    if (json->depth == 0) {
        json->object.to = sigv4_llm_json_at(json, p);
    }

    sigv4_llm_json_value_ended(json, sigv4_llm_json_at(json, p));

    return p;
}


void
sigv4_llm_json_value_ended(sigv4_llm_json_t *json, int64_t to)
{
    if (json->depth == 0) {
        json->state = SIGV4_LLM_JSON_AT_END;
        return;
    }

    json->state = SIGV4_LLM_JSON_AFTER_VALUE;

    if (json->depth == 1 && json->member != NULL) {
        json->member->to = to;
    }
}


void
sigv4_llm_json_type(sigv4_llm_json_t *json, const uint8_t *p,
    sigv4_llm_json_type_e type)
{
    if (json->depth == 1 && json->member != NULL) {
        json->member->type = type;
        json->member->from = sigv4_llm_json_at(json, p);
    }
}


static void
sigv4_llm_json_start_string(sigv4_llm_json_t *json, int key)
{
    json->state = SIGV4_LLM_JSON_IN_STRING;
    json->key = !!key;
    json->surrogate = 0;
    json->matched = 0;
    json->candidates = 0;

    if (key && json->depth == 1) {
        json->candidates = (UINT32_C(1) << json->nnames) - 1;
        json->exact = json->candidates;
    }
}


static const uint8_t *
sigv4_llm_json_key(sigv4_llm_json_t *json, const uint8_t *p,
    const uint8_t *end)
{
    p = sigv4_llm_json_blanks(p, end);

    if (p == end) {
        return p;
    }

    if (*p != '"') {
        return sigv4_llm_json_failed(json, SIGV4_LLM_JSON_SYNTAX);
    }

    sigv4_llm_json_start_string(json, 1);

    if (json->depth == 1) {
        json->key_from = sigv4_llm_json_at(json, p);
        json->member = NULL;
        json->object.count++;
    }

    return p + 1;
}


static const uint8_t *
sigv4_llm_json_first_key(sigv4_llm_json_t *json, const uint8_t *p,
    const uint8_t *end)
{
    p = sigv4_llm_json_blanks(p, end);

    if (p == end) {
        return p;
    }

    return (*p == '}') ? sigv4_llm_json_close(json, p)
                       : sigv4_llm_json_key(json, p, end);
}


static const uint8_t *
sigv4_llm_json_colon(sigv4_llm_json_t *json, const uint8_t *p,
    const uint8_t *end)
{
    p = sigv4_llm_json_blanks(p, end);

    if (p == end) {
        return p;
    }

    if (*p != ':') {
        return sigv4_llm_json_failed(json, SIGV4_LLM_JSON_SYNTAX);
    }

    json->state = SIGV4_LLM_JSON_AT_VALUE;

    return p + 1;
}


static const uint8_t *
sigv4_llm_json_after(sigv4_llm_json_t *json, const uint8_t *p,
    const uint8_t *end)
{
    p = sigv4_llm_json_blanks(p, end);

    if (p == end) {
        return p;
    }

    if (*p == ',') {
        return sigv4_llm_json_comma(json, p);
    }

    if (*p != (sigv4_llm_json_in_object(json) ? '}' : ']')) {
        return sigv4_llm_json_failed(json, SIGV4_LLM_JSON_SYNTAX);
    }

    if (json->depth == 1 && json->member != NULL) {
        json->member->after = -1;
        json->member = NULL;
    }

    return sigv4_llm_json_close(json, p);
}


static const uint8_t *
sigv4_llm_json_comma(sigv4_llm_json_t *json, const uint8_t *p)
{
    json->state = sigv4_llm_json_in_object(json) ? SIGV4_LLM_JSON_AT_KEY
                                                 : SIGV4_LLM_JSON_AT_VALUE;

    if (json->depth == 1) {
        json->comma = sigv4_llm_json_at(json, p);

        if (json->member != NULL) {
            json->member->after = json->comma;
        }
    }

    return p + 1;
}


static const uint8_t *
sigv4_llm_json_end(sigv4_llm_json_t *json, const uint8_t *p,
    const uint8_t *end)
{
    p = sigv4_llm_json_blanks(p, end);

    return (p == end) ? p
                      : sigv4_llm_json_failed(json, SIGV4_LLM_JSON_SYNTAX);
}


static int
sigv4_llm_json_in_object(sigv4_llm_json_t *json)
{
    size_t  top;

    top = json->depth - 1;

    return (json->nesting[top / 8] >> (top % 8)) & 1;
}


static const uint8_t *
sigv4_llm_json_blanks(const uint8_t *p, const uint8_t *end)
{
    while (p < end
           && (*p == ' ' || *p == '\n' || *p == '\r' || *p == '\t'))
    {
        p++;
    }

    return p;
}
