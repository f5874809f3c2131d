
/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Numbers, and the three literals.
 */


#include "llm/sigv4_llm_json_parts.h"


/* where a number may be; those after which it may end come last */
typedef enum {
    SIGV4_LLM_JSON_NO_NUMBER = 0,
    SIGV4_LLM_JSON_MINUS,
    SIGV4_LLM_JSON_POINT,
    SIGV4_LLM_JSON_E,
    SIGV4_LLM_JSON_SIGN,
    SIGV4_LLM_JSON_ZERO,
    SIGV4_LLM_JSON_INTEGER,
    SIGV4_LLM_JSON_FRACTION,
    SIGV4_LLM_JSON_EXPONENT
} sigv4_llm_json_number_e;


static unsigned sigv4_llm_json_number_next(unsigned number, uint8_t c);


const uint8_t *
sigv4_llm_json_scalar(sigv4_llm_json_t *json, const uint8_t *p)
{
    sigv4_llm_json_type_e  type;

    json->state = SIGV4_LLM_JSON_IN_LITERAL;

    switch (*p) {

    case 't':
        type = SIGV4_LLM_JSON_TRUE;
        json->literal = "rue";
        break;

    case 'f':
        type = SIGV4_LLM_JSON_FALSE;
        json->literal = "alse";
        break;

    case 'n':
        type = SIGV4_LLM_JSON_NULL;
        json->literal = "ull";
        break;

    default:
        type = SIGV4_LLM_JSON_NUMBER;
        json->number = sigv4_llm_json_number_next(SIGV4_LLM_JSON_MINUS, *p);

        if (*p == '-') {
            json->number = SIGV4_LLM_JSON_MINUS;
        }

        if (json->number == SIGV4_LLM_JSON_NO_NUMBER) {
            return sigv4_llm_json_failed(json, SIGV4_LLM_JSON_SYNTAX);
        }

        json->state = SIGV4_LLM_JSON_IN_NUMBER;
    }

    sigv4_llm_json_type(json, p, type);

    return p + 1;
}


const uint8_t *
sigv4_llm_json_number(sigv4_llm_json_t *json, const uint8_t *p,
    const uint8_t *end)
{
    unsigned  next;

    while (p < end) {
        next = sigv4_llm_json_number_next(json->number, *p);

        if (next == SIGV4_LLM_JSON_NO_NUMBER) {

            if (!sigv4_llm_json_number_done(json)) {
                return sigv4_llm_json_failed(json, SIGV4_LLM_JSON_SYNTAX);
            }

            sigv4_llm_json_value_ended(json, sigv4_llm_json_at(json, p));

            return p;
        }

        json->number = next;
        p++;
    }

    return p;
}


/* whether a number may end here, and with it the text */

int
sigv4_llm_json_number_done(sigv4_llm_json_t *json)
{
    return json->state == SIGV4_LLM_JSON_IN_NUMBER
           && json->number >= SIGV4_LLM_JSON_ZERO;
}


/* RFC 8259, section 6 */

static unsigned
sigv4_llm_json_number_next(unsigned number, uint8_t c)
{
    if (c >= '0' && c <= '9') {

        switch (number) {

        case SIGV4_LLM_JSON_MINUS:
            return (c == '0') ? SIGV4_LLM_JSON_ZERO : SIGV4_LLM_JSON_INTEGER;

        case SIGV4_LLM_JSON_ZERO:
            return SIGV4_LLM_JSON_NO_NUMBER;

        case SIGV4_LLM_JSON_POINT:
            return SIGV4_LLM_JSON_FRACTION;

        case SIGV4_LLM_JSON_E:
        case SIGV4_LLM_JSON_SIGN:
            return SIGV4_LLM_JSON_EXPONENT;

        default:
            return number;
        }
    }

    if (c == '.' && (number == SIGV4_LLM_JSON_ZERO
                     || number == SIGV4_LLM_JSON_INTEGER))
    {
        return SIGV4_LLM_JSON_POINT;
    }

    if ((c == 'e' || c == 'E') && (number == SIGV4_LLM_JSON_ZERO
                                   || number == SIGV4_LLM_JSON_INTEGER
                                   || number == SIGV4_LLM_JSON_FRACTION))
    {
        return SIGV4_LLM_JSON_E;
    }

    if ((c == '+' || c == '-') && number == SIGV4_LLM_JSON_E) {
        return SIGV4_LLM_JSON_SIGN;
    }

    return SIGV4_LLM_JSON_NO_NUMBER;
}


const uint8_t *
sigv4_llm_json_literal(sigv4_llm_json_t *json, const uint8_t *p,
    const uint8_t *end)
{
    while (p < end && *json->literal) {

        if (*p++ != (uint8_t) *json->literal++) {
            return sigv4_llm_json_failed(json, SIGV4_LLM_JSON_SYNTAX);
        }
    }

    if (*json->literal == '\0') {
        sigv4_llm_json_value_ended(json, sigv4_llm_json_at(json, p));
    }

    return p;
}
