
/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */


#include <stdio.h>
#include <string.h>

#include "core/sigv4_bytes.h"
#include "providers/sigv4_role.h"


/* limits of STS, in characters; it counts UTF-8, these count bytes */
#define SIGV4_ROLE_ARN            2048
#define SIGV4_ROLE_EXTERNAL_ID    1224
#define SIGV4_ROLE_TAGS           50
#define SIGV4_ROLE_TAG_KEY        512
#define SIGV4_ROLE_TAG_VALUE      1024

/* names of parameters and numbers, without those of tags */
#define SIGV4_ROLE_FORM           256

/* "&Tags.member.50.Value=" and the same with "Key" */
#define SIGV4_ROLE_FORM_TAG       48


static int sigv4_role_is_word(sigv4_str_t s, const char *others);
static sigv4_str_t sigv4_role_next(sigv4_str_t *rest, uint8_t separator);
static size_t sigv4_role_count(sigv4_str_t tags);
static int sigv4_role_tags(sigv4_str_t tags, sigv4_buf_t *buf);
static int sigv4_role_param(sigv4_buf_t *buf, const char *name,
    sigv4_str_t value);
static int sigv4_role_encode(sigv4_buf_t *buf, sigv4_str_t value);
static int sigv4_role_append(sigv4_buf_t *buf, const char *text);


const char *
sigv4_role_check_arn(sigv4_str_t arn)
{
    size_t       i;
    sigv4_str_t  part[5];

    static const char  *form = "is not of the form "
                               "arn:aws:iam::123456789012:role/NAME";

    if (arn.len > SIGV4_ROLE_ARN || !sigv4_role_is_word(arn, "=,.@+-:/")) {
        return form;
    }

    for (i = 0; i < 5; i++) {
        part[i] = sigv4_role_next(&arn, ':');
    }

    /* the account may be empty: servers other than AWS have tenants there */

    if (part[0].len != 3 || memcmp(part[0].data, "arn", 3) != 0
        || part[1].len == 0
        || part[2].len != 3 || memcmp(part[2].data, "iam", 3) != 0
        || part[3].len != 0
        || arn.len <= sizeof("role/") - 1
        || memcmp(arn.data, "role/", sizeof("role/") - 1) != 0)
    {
        return form;
    }

    return NULL;
}


const char *
sigv4_role_check_session_name(sigv4_str_t name)
{
    if (name.len < 2) {
        return "is shorter than two characters";
    }

    if (!sigv4_role_is_word(name, "=,.@+-")) {
        return "has in it what is neither a letter, a digit nor one of "
               "_=,.@+-";
    }

    return NULL;
}


const char *
sigv4_role_check_external_id(sigv4_str_t id)
{
    if (id.len < 2 || id.len > SIGV4_ROLE_EXTERNAL_ID) {
        return "is not of 2 to 1224 characters";
    }

    if (!sigv4_role_is_word(id, "=,.@+-:/")) {
        return "has in it what is neither a letter, a digit nor one of "
               "_=,.@+-:/";
    }

    return NULL;
}


const char *
sigv4_role_check_source_identity(sigv4_str_t identity)
{
    if (identity.len > SIGV4_ROLE_SESSION_NAME) {
        return "is longer than 64 characters";
    }

    return sigv4_role_check_session_name(identity);
}


const char *
sigv4_role_check_tags(sigv4_str_t tags)
{
    size_t       i;
    uint8_t      c;
    sigv4_str_t  tag, key;

    if (sigv4_role_count(tags) > SIGV4_ROLE_TAGS) {
        return "has more than 50 tags";
    }

    for (i = 0; i < tags.len; i++) {
        c = tags.data[i];

        if (c < 0x80 && c != ' '
            && !sigv4_is_unreserved(c)
            && strchr(":/=+@,", c) == NULL)
        {
            return "has in it what cannot stand in a tag";
        }
    }

    do {
        tag = sigv4_role_next(&tags, ',');

        if (memchr(tag.data, '=', tag.len) == NULL) {
            return "is not of the form KEY=VALUE,KEY=VALUE";
        }

        key = sigv4_role_next(&tag, '=');

        if (key.len == 0 || key.len > SIGV4_ROLE_TAG_KEY
            || tag.len > SIGV4_ROLE_TAG_VALUE)
        {
            return "has a tag whose key is empty, or which is too long";
        }

    } while (tags.data != NULL);

    return NULL;
}


unsigned
sigv4_role_duration(sigv4_str_t value)
{
    size_t    i;
    unsigned  n;

    n = 0;

    for (i = 0; i < value.len; i++) {

        if (value.data[i] < '0' || value.data[i] > '9'
            || n > SIGV4_ROLE_DURATION_MAX)
        {
            return 0;
        }

        n = n * 10 + (value.data[i] - '0');
    }

    return n >= SIGV4_ROLE_DURATION_MIN && n <= SIGV4_ROLE_DURATION_MAX
           ? n : 0;
}


sigv4_str_t
sigv4_role_session_name(sigv4_str_t in,
    uint8_t name[SIGV4_ROLE_SESSION_NAME])
{
    size_t       i;
    sigv4_str_t  c, out;

    out.data = name;
    out.len = in.len < SIGV4_ROLE_SESSION_NAME ? in.len
                                               : SIGV4_ROLE_SESSION_NAME;

    for (i = 0; i < out.len; i++) {
        c.data = &in.data[i];
        c.len = 1;

        name[i] = sigv4_role_is_word(c, "=,.@+-") ? in.data[i] : '-';
    }

    return out;
}


size_t
sigv4_role_form_size(const sigv4_role_t *role, sigv4_str_t token)
{
    return SIGV4_ROLE_FORM
           + SIGV4_ROLE_FORM_TAG * sigv4_role_count(role->tags)
           + 3 * (role->arn.len + role->session_name.len
                  + role->external_id.len + role->source_identity.len
                  + role->tags.len + token.len);
}


int
sigv4_role_form(const sigv4_role_t *role, sigv4_str_t token,
    sigv4_buf_t *buf, sigv4_str_t *form)
{
    char         text[16];
    sigv4_str_t  duration;

    form->data = buf->last;

    duration.data = (uint8_t *) text;
    duration.len = role->duration ? snprintf(text, sizeof(text), "%u",
                                             role->duration)
                                  : 0;

    if (sigv4_role_append(buf, token.len ? "Action=AssumeRoleWithWebIdentity"
                                         : "Action=AssumeRole")
        != SIGV4_OK
        || sigv4_role_append(buf, "&Version=2011-06-15") != SIGV4_OK
        || sigv4_role_param(buf, "&RoleArn=", role->arn) != SIGV4_OK
        || sigv4_role_param(buf, "&RoleSessionName=", role->session_name)
           != SIGV4_OK
        || sigv4_role_param(buf, "&DurationSeconds=", duration) != SIGV4_OK
        || sigv4_role_param(buf, "&ExternalId=", role->external_id)
           != SIGV4_OK
        || sigv4_role_param(buf, "&SourceIdentity=", role->source_identity)
           != SIGV4_OK
        || sigv4_role_tags(role->tags, buf) != SIGV4_OK
        || sigv4_role_param(buf, "&WebIdentityToken=", token) != SIGV4_OK)
    {
        return SIGV4_NOSPACE;
    }

    form->len = buf->last - form->data;

    return SIGV4_OK;
}


/* letters, digits, "_" and the others; "\w" of the patterns of STS */

static int
sigv4_role_is_word(sigv4_str_t s, const char *others)
{
    size_t   i;
    uint8_t  c, lower;

    for (i = 0; i < s.len; i++) {
        c = s.data[i];
        lower = c | 0x20;

        if (!(lower >= 'a' && lower <= 'z')
            && !(c >= '0' && c <= '9')
            && c != '_'
            && (c == '\0' || strchr(others, c) == NULL))
        {
            return 0;
        }
    }

    return 1;
}


/* what is before the separator; rest is what is behind it, or NULL */

static sigv4_str_t
sigv4_role_next(sigv4_str_t *rest, uint8_t separator)
{
    sigv4_str_t     part;
    const uint8_t  *p;

    part = *rest;
    p = part.len ? memchr(part.data, separator, part.len) : NULL;

    if (p == NULL) {
        rest->data = NULL;
        rest->len = 0;
        return part;
    }

    part.len = p - part.data;

    rest->data = p + 1;
    rest->len -= part.len + 1;

    return part;
}


static size_t
sigv4_role_count(sigv4_str_t tags)
{
    size_t  i, n;

    if (tags.len == 0) {
        return 0;
    }

    n = 1;

    for (i = 0; i < tags.len; i++) {
        n += (tags.data[i] == ',');
    }

    return n;
}


static int
sigv4_role_tags(sigv4_str_t tags, sigv4_buf_t *buf)
{
    int          n;
    char         name[SIGV4_ROLE_FORM_TAG];
    sigv4_str_t  tag, key;

    if (tags.len == 0) {
        return SIGV4_OK;
    }

    for (n = 1; tags.data != NULL; n++) {
        tag = sigv4_role_next(&tags, ',');
        key = sigv4_role_next(&tag, '=');

        (void) snprintf(name, sizeof(name), "&Tags.member.%d.Key=", n);

        if (sigv4_role_append(buf, name) != SIGV4_OK
            || sigv4_role_encode(buf, key) != SIGV4_OK)
        {
            return SIGV4_NOSPACE;
        }

        (void) snprintf(name, sizeof(name), "&Tags.member.%d.Value=", n);

        /* a value may be empty */

        if (sigv4_role_append(buf, name) != SIGV4_OK
            || sigv4_role_encode(buf, tag) != SIGV4_OK)
        {
            return SIGV4_NOSPACE;
        }
    }

    return SIGV4_OK;
}


static int
sigv4_role_param(sigv4_buf_t *buf, const char *name, sigv4_str_t value)
{
    int  rc;

    if (value.len == 0) {
        return SIGV4_OK;
    }

    rc = sigv4_role_append(buf, name);
    if (rc != SIGV4_OK) {
        return rc;
    }

    return sigv4_role_encode(buf, value);
}


/* what is empty may be nowhere */

static int
sigv4_role_encode(sigv4_buf_t *buf, sigv4_str_t value)
{
    return value.len ? sigv4_uri_encode(buf, value, 0) : SIGV4_OK;
}


static int
sigv4_role_append(sigv4_buf_t *buf, const char *text)
{
    size_t  len;

    len = strlen(text);

    if (sigv4_buf_left(buf) < len) {
        return SIGV4_NOSPACE;
    }

    memcpy(buf->last, text, len);
    buf->last += len;

    return SIGV4_OK;
}
