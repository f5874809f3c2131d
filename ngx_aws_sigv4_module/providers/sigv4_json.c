
/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */


#include <string.h>

#include <jansson.h>

#include "core/sigv4_bytes.h"
#include "providers/sigv4_arena.h"
#include "providers/sigv4_json.h"


/*
 * "{", "[", ":" and "," of a document, four times what the longest has.
 * jansson reads out of bounds when it runs out of memory within a string.
 * That cannot be: for a value and its place in an object it takes less than
 * 400 bytes, and for strings 6 times their length, with all it has freed.
 */
#define SIGV4_JSON_MARKS          128


static int sigv4_json_is_simple(sigv4_str_t text);
static int sigv4_json_read(sigv4_document_t *doc,
    const sigv4_json_form_t *form, sigv4_str_t text, time_t now);
static int sigv4_json_syntax(sigv4_document_t *doc, const json_error_t *err);
static int sigv4_json_code(sigv4_document_t *doc, const json_t *root);
static int sigv4_json_string(sigv4_document_t *doc, const json_t *root,
    const char *name, sigv4_str_t *value);


const sigv4_json_form_t  sigv4_json_imds = { "Token", 1, 0 };
const sigv4_json_form_t  sigv4_json_container = { "Token", 1, 0 };
const sigv4_json_form_t  sigv4_json_process = { "SessionToken", 0, 1 };


int
sigv4_json_credentials(sigv4_document_t *doc, const sigv4_json_form_t *form,
    sigv4_str_t text, sigv4_buf_t *buf, time_t now)
{
    int            rc;
    json_free_t    free_pt;
    json_malloc_t  malloc_pt;

    memset(doc, 0, sizeof(sigv4_document_t));

    if (sigv4_buf_left(buf) < sigv4_document_size(text.len)) {
        return sigv4_document_invalid(doc, "its JSON is too long");
    }

    if (!sigv4_json_is_simple(text)) {
        return sigv4_document_invalid(doc, "its JSON is too complex");
    }

    /*
     * The functions are those of the process, and other modules may use
     * jansson as well: they find theirs again.  All that is allocated here
     * is given up with the buffer, also the document itself, whose strings
     * are the result.
     */

    json_get_alloc_funcs(&malloc_pt, &free_pt);
    json_set_alloc_funcs(sigv4_arena_malloc, sigv4_arena_free);
    sigv4_arena_begin(buf);

    rc = sigv4_json_read(doc, form, text, now);

    sigv4_arena_end();
    json_set_alloc_funcs(malloc_pt, free_pt);

    return rc;
}


static int
sigv4_json_is_simple(sigv4_str_t text)
{
    int     quoted;
    size_t  i, marks;

    marks = 0;
    quoted = 0;

    for (i = 0; i < text.len; i++) {

        switch (text.data[i]) {

        case '"':
            quoted = !quoted;
            break;

        case '\\':
            i += quoted;
            break;

        case '{':
        case '[':
        case ':':
        case ',':
            marks += !quoted;
        }
    }

    return marks <= SIGV4_JSON_MARKS;
}


static int
sigv4_json_read(sigv4_document_t *doc, const sigv4_json_form_t *form,
    sigv4_str_t text, time_t now)
{
    json_t        *root, *version;
    sigv4_str_t    expiration;
    json_error_t   err;

    root = json_loadb((const char *) text.data, text.len,
                      JSON_REJECT_DUPLICATES, &err);
    if (root == NULL) {
        return sigv4_json_syntax(doc, &err);
    }

    if (!json_is_object(root)) {
        return sigv4_document_invalid(doc, "it is not a JSON object");
    }

    if (sigv4_json_code(doc, root) != SIGV4_OK) {
        return SIGV4_INVALID;
    }

    if (form->version) {
        version = json_object_get(root, "Version");

        if (!json_is_integer(version) || json_integer_value(version) != 1) {
            return sigv4_document_invalid(doc, "its Version is not 1");
        }
    }

    if (sigv4_json_string(doc, root, "AccessKeyId",
                          &doc->value.access_key_id)
        != SIGV4_OK
        || sigv4_json_string(doc, root, "SecretAccessKey",
                             &doc->value.secret_access_key)
           != SIGV4_OK
        || sigv4_json_string(doc, root, form->session_token,
                             &doc->value.session_token)
           != SIGV4_OK
        || sigv4_json_string(doc, root, "Expiration", &expiration) != SIGV4_OK
        || sigv4_json_string(doc, root, "AccountId", &doc->account_id)
           != SIGV4_OK
        || sigv4_json_string(doc, root, "RoleArn", &doc->role_arn)
           != SIGV4_OK)
    {
        return SIGV4_INVALID;
    }

    return sigv4_document_check(doc, form->session_token, form->temporary,
                                expiration, now);
}


/* what jansson says itself may quote the text, and a secret with it */

static int
sigv4_json_syntax(sigv4_document_t *doc, const json_error_t *err)
{
    if (json_error_code(err) == json_error_duplicate_key) {
        return sigv4_document_invalid(doc, "its JSON has a name twice");
    }

    return sigv4_document_invalid(doc, "it is not JSON (line %d, column %d)",
                                  err->line, err->column);
}


/*
 * IMDS has a Code in all it says with status 200, the container endpoints
 * have a code in errors alone.
 */

static int
sigv4_json_code(sigv4_document_t *doc, const json_t *root)
{
    sigv4_str_t  code, message;

    if (sigv4_json_string(doc, root, "Code", &code) != SIGV4_OK) {
        return SIGV4_INVALID;
    }

    if (code.data == NULL
        && sigv4_json_string(doc, root, "code", &code) != SIGV4_OK)
    {
        return SIGV4_INVALID;
    }

    if (code.data == NULL
        || (code.len == sizeof("Success") - 1
            && memcmp(code.data, "Success", sizeof("Success") - 1) == 0))
    {
        return SIGV4_OK;
    }

    if (sigv4_json_string(doc, root, "Message", &message) != SIGV4_OK) {
        return SIGV4_INVALID;
    }

    if (message.data == NULL
        && sigv4_json_string(doc, root, "message", &message) != SIGV4_OK)
    {
        return SIGV4_INVALID;
    }

    return sigv4_document_refused(doc, code, message);
}


/* data is NULL if the field is not there, or null */

static int
sigv4_json_string(sigv4_document_t *doc, const json_t *root,
    const char *name, sigv4_str_t *value)
{
    const json_t  *field;

    field = json_object_get(root, name);

    value->len = 0;
    value->data = NULL;

    if (field == NULL || json_is_null(field)) {
        return SIGV4_OK;
    }

    if (!json_is_string(field)) {
        return sigv4_document_invalid(doc, "its %s is not a string", name);
    }

    value->len = json_string_length(field);
    value->data = (const uint8_t *) json_string_value(field);

    return SIGV4_OK;
}
