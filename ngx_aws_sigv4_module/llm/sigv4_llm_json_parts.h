
/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * What the files of the JSON scanner share.  A step reads from p on and
 * returns where it stopped; on an error it returns NULL, and json->rc says
 * which.
 */


#ifndef _SIGV4_LLM_JSON_PARTS_H_INCLUDED_
#define _SIGV4_LLM_JSON_PARTS_H_INCLUDED_


#include <string.h>

#include "llm/sigv4_llm_json.h"


/* the order is that of the steps in sigv4_llm_json.c */
typedef enum {
    SIGV4_LLM_JSON_AT_VALUE = 0,
    SIGV4_LLM_JSON_AT_FIRST_VALUE,
    SIGV4_LLM_JSON_AT_KEY,
    SIGV4_LLM_JSON_AT_FIRST_KEY,
    SIGV4_LLM_JSON_AT_COLON,
    SIGV4_LLM_JSON_AFTER_VALUE,
    SIGV4_LLM_JSON_IN_STRING,
    SIGV4_LLM_JSON_IN_UTF8,
    SIGV4_LLM_JSON_IN_ESCAPE,
    SIGV4_LLM_JSON_IN_UNICODE,
    SIGV4_LLM_JSON_IN_NUMBER,
    SIGV4_LLM_JSON_IN_LITERAL,
    SIGV4_LLM_JSON_AT_END
} sigv4_llm_json_state_e;


/* sigv4_llm_json.c */

void sigv4_llm_json_type(sigv4_llm_json_t *json, const uint8_t *p,
    sigv4_llm_json_type_e type);
void sigv4_llm_json_value_ended(sigv4_llm_json_t *json, int64_t to);
const uint8_t *sigv4_llm_json_failed(sigv4_llm_json_t *json, int rc);


/* sigv4_llm_json_scalar.c */

const uint8_t *sigv4_llm_json_scalar(sigv4_llm_json_t *json,
    const uint8_t *p);
const uint8_t *sigv4_llm_json_number(sigv4_llm_json_t *json,
    const uint8_t *p, const uint8_t *end);
const uint8_t *sigv4_llm_json_literal(sigv4_llm_json_t *json,
    const uint8_t *p, const uint8_t *end);
int sigv4_llm_json_number_done(sigv4_llm_json_t *json);


/* sigv4_llm_json_string.c */

const uint8_t *sigv4_llm_json_string(sigv4_llm_json_t *json,
    const uint8_t *p, const uint8_t *end);
const uint8_t *sigv4_llm_json_utf8(sigv4_llm_json_t *json, const uint8_t *p,
    const uint8_t *end);
const uint8_t *sigv4_llm_json_escape(sigv4_llm_json_t *json,
    const uint8_t *p, const uint8_t *end);
const uint8_t *sigv4_llm_json_unicode(sigv4_llm_json_t *json,
    const uint8_t *p, const uint8_t *end);


/* of p in the whole text */

static inline int64_t
sigv4_llm_json_at(sigv4_llm_json_t *json, const uint8_t *p)
{
    return json->offset + (p - json->chunk);
}


#endif /* _SIGV4_LLM_JSON_PARTS_H_INCLUDED_ */
