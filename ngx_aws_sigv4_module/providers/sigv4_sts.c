
/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */


#include <stdio.h>
#include <string.h>

#include <expat.h>

#include "core/sigv4_bytes.h"
#include "providers/sigv4_arena.h"
#include "providers/sigv4_sts.h"


/* of names, from the root: no element of STS is as deep */
#define SIGV4_STS_PATH            256

/* XML_Parse() takes an int */
#define SIGV4_STS_TEXT            (1 << 24)


typedef struct {
    sigv4_document_t             *doc;
    XML_Parser                    parser;
    const char                   *error;      /* not of the syntax */

    char                          root[SIGV4_STS_PATH];
    char                          result[SIGV4_STS_PATH];
    char                          path[SIGV4_STS_PATH];
    size_t                        path_len;

    sigv4_str_t                   expiration;
    sigv4_str_t                   code;
    sigv4_str_t                   message;

    sigv4_buf_t                   text;       /* of all values */
    sigv4_str_t                  *value;      /* of this element, or NULL */
    unsigned                      answered:1; /* root is that of an answer */
} sigv4_sts_t;


static int sigv4_sts_read(sigv4_sts_t *sts, sigv4_str_t text,
    sigv4_buf_t *buf);
static void XMLCALL sigv4_sts_start(void *data, const XML_Char *name,
    const XML_Char **attributes);
static void XMLCALL sigv4_sts_end(void *data, const XML_Char *name);
static void XMLCALL sigv4_sts_text(void *data, const XML_Char *s, int len);
static void XMLCALL sigv4_sts_doctype(void *data, const XML_Char *name,
    const XML_Char *sysid, const XML_Char *pubid, int internal);
static sigv4_str_t *sigv4_sts_value(sigv4_sts_t *sts);
static sigv4_str_t *sigv4_sts_result_value(sigv4_sts_t *sts,
    const char *name);
static void sigv4_sts_stop(sigv4_sts_t *sts, const char *error);
static int sigv4_sts_syntax(sigv4_sts_t *sts);


int
sigv4_sts_credentials(sigv4_document_t *doc, const char *action,
    sigv4_str_t text, sigv4_buf_t *buf, time_t now)
{
    int          rc;
    sigv4_sts_t  sts;

    memset(doc, 0, sizeof(sigv4_document_t));
    memset(&sts, 0, sizeof(sigv4_sts_t));

    sts.doc = doc;

    (void) snprintf(sts.root, SIGV4_STS_PATH, "/%sResponse", action);
    (void) snprintf(sts.result, SIGV4_STS_PATH, "/%sResponse/%sResult/",
                    action, action);

    sigv4_arena_begin(buf);
    rc = sigv4_sts_read(&sts, text, buf);
    sigv4_arena_end();

    if (rc != SIGV4_OK) {
        return rc;
    }

    if (!sts.answered) {
        return sts.code.len ? sigv4_document_refused(doc, sts.code,
                                                     sts.message)
                            : sigv4_document_invalid(doc, "it is an error "
                                                     "without a Code");
    }

    return sigv4_document_check(doc, "SessionToken", 1, sts.expiration, now);
}


static int
sigv4_sts_read(sigv4_sts_t *sts, sigv4_str_t text, sigv4_buf_t *buf)
{
    int  rc;

    static const XML_Memory_Handling_Suite  memory = {
        sigv4_arena_malloc, sigv4_arena_realloc, sigv4_arena_free
    };

    if (text.len > SIGV4_STS_TEXT
        || sigv4_buf_left(buf) < sigv4_document_size(text.len))
    {
        return sigv4_document_invalid(sts->doc, "its XML is too long");
    }

    /* an entity or a reference is longer than what it stands for */

    sts->text.last = buf->last;
    sts->text.end = buf->last + text.len;
    buf->last += text.len;

    sts->parser = XML_ParserCreate_MM("UTF-8", &memory, NULL);

    if (sts->parser == NULL) {
        return sigv4_document_invalid(sts->doc, "its XML is too complex");
    }

    XML_SetUserData(sts->parser, sts);
    XML_SetElementHandler(sts->parser, sigv4_sts_start, sigv4_sts_end);
    XML_SetCharacterDataHandler(sts->parser, sigv4_sts_text);

    /* without one there is no entity of the document's own */
    XML_SetStartDoctypeDeclHandler(sts->parser, sigv4_sts_doctype);

    rc = SIGV4_OK;

    if (XML_Parse(sts->parser, (const char *) text.data, (int) text.len, 1)
        != XML_STATUS_OK)
    {
        rc = sigv4_sts_syntax(sts);
    }

    XML_ParserFree(sts->parser);

    return rc;
}


static void XMLCALL
sigv4_sts_start(void *data, const XML_Char *name, const XML_Char **attributes)
{
    sigv4_sts_t *sts = data;

    size_t  len;

    (void) attributes;

    if (sts->value != NULL) {
        sigv4_sts_stop(sts, "its XML has an element within a value");
        return;
    }

    len = strlen(name);

    if (len + 2 > SIGV4_STS_PATH - sts->path_len) {
        sigv4_sts_stop(sts, "its XML is nested too deeply");
        return;
    }

    sts->path[sts->path_len++] = '/';
    memcpy(sts->path + sts->path_len, name, len + 1);

    if (sts->path_len == 1) {
        sts->answered = strcmp(sts->path, sts->root) == 0;

        if (!sts->answered
            && strcmp(name, "ErrorResponse") != 0
            && strcmp(name, "Error") != 0)
        {
            sigv4_sts_stop(sts, "its XML is not an answer of STS");
            return;
        }
    }

    sts->path_len += len;
    sts->value = sigv4_sts_value(sts);

    if (sts->value == NULL) {
        return;
    }

    if (sts->value->data != NULL) {
        sigv4_sts_stop(sts, "its XML has a value twice");
        return;
    }

    sts->value->data = sts->text.last;
}


static void XMLCALL
sigv4_sts_end(void *data, const XML_Char *name)
{
    sigv4_sts_t *sts = data;

    /* the end of an empty element is told of even after a stop */

    if (sts->error != NULL) {
        return;
    }

    sts->value = NULL;

    sts->path_len -= strlen(name) + 1;
    sts->path[sts->path_len] = '\0';
}


static void XMLCALL
sigv4_sts_text(void *data, const XML_Char *s, int len)
{
    sigv4_sts_t *sts = data;

    if (sts->value == NULL) {
        return;
    }

    if (sigv4_append(&sts->text, s, len) != SIGV4_OK) {
        sigv4_sts_stop(sts, "its XML is too long");
        return;
    }

    sts->value->len += len;
}


static void XMLCALL
sigv4_sts_doctype(void *data, const XML_Char *name, const XML_Char *sysid,
    const XML_Char *pubid, int internal)
{
    (void) name;
    (void) sysid;
    (void) pubid;
    (void) internal;

    sigv4_sts_stop(data, "its XML has a document type");
}


/* where the text of the element at the path belongs, NULL: nowhere */

static sigv4_str_t *
sigv4_sts_value(sigv4_sts_t *sts)
{
    size_t       len;
    const char  *path;

    if (sts->answered) {
        len = strlen(sts->result);

        return strncmp(sts->path, sts->result, len) == 0
               ? sigv4_sts_result_value(sts, sts->path + len) : NULL;
    }

    /* servers other than AWS leave the outer element out */

    path = sts->path;
    len = sizeof("/ErrorResponse") - 1;

    if (strncmp(path, "/ErrorResponse/", len + 1) == 0) {
        path += len;
    }

    if (strcmp(path, "/Error/Code") == 0) {
        return &sts->code;
    }

    return strcmp(path, "/Error/Message") == 0 ? &sts->message : NULL;
}


static sigv4_str_t *
sigv4_sts_result_value(sigv4_sts_t *sts, const char *name)
{
    if (strcmp(name, "Credentials/AccessKeyId") == 0) {
        return &sts->doc->value.access_key_id;
    }

    if (strcmp(name, "Credentials/SecretAccessKey") == 0) {
        return &sts->doc->value.secret_access_key;
    }

    if (strcmp(name, "Credentials/SessionToken") == 0) {
        return &sts->doc->value.session_token;
    }

    if (strcmp(name, "Credentials/Expiration") == 0) {
        return &sts->expiration;
    }

    return strcmp(name, "AssumedRoleUser/Arn") == 0 ? &sts->doc->role_arn
                                                    : NULL;
}


static void
sigv4_sts_stop(sigv4_sts_t *sts, const char *error)
{
    sts->error = error;
    sts->value = NULL;

    (void) XML_StopParser(sts->parser, XML_FALSE);
}


static int
sigv4_sts_syntax(sigv4_sts_t *sts)
{
    if (sts->error != NULL) {
        return sigv4_document_invalid(sts->doc, "%s", sts->error);
    }

    if (sigv4_arena_full()) {
        return sigv4_document_invalid(sts->doc, "its XML is too complex");
    }

    return sigv4_document_invalid(sts->doc, "it is not XML (line %lu)",
                  (unsigned long) XML_GetCurrentLineNumber(sts->parser));
}
