
/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * One line for a refusal.  It repeats what the answer says, which may be
 * anything: all of it is bounded, escaped, and cut where a session token, a
 * signature or what looks like one begins.
 */


#include "ngx_http_aws_sigv4_cause.h"


/* of what is shown, in bytes before they are escaped */
#define NGX_HTTP_AWS_SIGV4_SHOWN_MESSAGE  256
#define NGX_HTTP_AWS_SIGV4_SHOWN_VALUE    96
#define NGX_HTTP_AWS_SIGV4_SHOWN_NAME     48

/* no word is as long that is not a token, or the like */
#define NGX_HTTP_AWS_SIGV4_SHOWN_WORD     128

/* begin of a token or a signature, by which it is recognised */
#define NGX_HTTP_AWS_SIGV4_SHOWN_SECRET   16

/* lines of a worker in a second; more are of level "info" */
#define NGX_HTTP_AWS_SIGV4_CAUSE_LINES    10


static ngx_uint_t ngx_http_aws_sigv4_cause_level(ngx_log_t *log,
    ngx_uint_t status, sigv4_cause_e cause);
static ngx_str_t ngx_http_aws_sigv4_cause_difference(ngx_http_request_t *r,
    ngx_http_aws_sigv4_ctx_t *ctx, ngx_http_aws_sigv4_why_t *why);
static ngx_uint_t ngx_http_aws_sigv4_cause_hides(sigv4_difference_t *d);
static ngx_str_t ngx_http_aws_sigv4_cause_says(ngx_http_request_t *r,
    ngx_http_aws_sigv4_ctx_t *ctx, ngx_http_aws_sigv4_why_t *why);
static ngx_str_t ngx_http_aws_sigv4_cause_text(ngx_http_request_t *r,
    ngx_http_aws_sigv4_ctx_t *ctx, sigv4_str_t s, size_t max);
static size_t ngx_http_aws_sigv4_cause_cut(ngx_http_aws_sigv4_ctx_t *ctx,
    u_char *data, size_t len);
static size_t ngx_http_aws_sigv4_cause_before(u_char *data, size_t len,
    u_char *text, size_t text_len);


void
ngx_http_aws_sigv4_cause_log(ngx_http_request_t *r,
    ngx_http_aws_sigv4_ctx_t *ctx, ngx_http_aws_sigv4_refused_t *refused,
    ngx_http_aws_sigv4_why_t *why)
{
    ngx_str_t    code, id, key, difference, says;
    ngx_log_t   *log;
    ngx_uint_t   level;

    log = r->connection->log;

    level = ngx_http_aws_sigv4_cause_level(log, refused->status, why->cause);

    if (log->log_level < level) {
        return;
    }

    code = ngx_http_aws_sigv4_cause_text(r, ctx, why->refusal.code,
                                         NGX_HTTP_AWS_SIGV4_SHOWN_VALUE);
    id = ngx_http_aws_sigv4_cause_text(r, ctx,
                               ngx_http_aws_sigv4_str(&refused->request_id),
                               NGX_HTTP_AWS_SIGV4_SHOWN_VALUE);

    key = ctx->signature.access_key_id;

    if (key.len > 4) {
        key.data += key.len - 4;
        key.len = 4;
    }

    difference = ngx_http_aws_sigv4_cause_difference(r, ctx, why);
    says = ngx_http_aws_sigv4_cause_says(r, ctx, why);

    ngx_log_error(level, log, 0,
                  "aws sigv4: the upstream refused the request with %ui%s%V, "
                  "cause \"%s\": %s%V; host \"%V\", service \"%V\", region "
                  "\"%V\", key \"...%V\", request id \"%V\"%V",
                  refused->status, code.len ? " " : "", &code,
                  sigv4_cause_word(why->cause),
                  sigv4_cause_advice(why->cause), &difference,
                  ngx_http_aws_sigv4_shown(r, &ctx->host),
                  ngx_http_aws_sigv4_shown(r, &ctx->service),
                  ngx_http_aws_sigv4_shown(r, &ctx->region), &key, &id,
                  &says);
}


/* applications answer with 400 as well, and throttling is no refusal */

static ngx_uint_t
ngx_http_aws_sigv4_cause_level(ngx_log_t *log, ngx_uint_t status,
    sigv4_cause_e cause)
{
    static time_t      second;
    static ngx_uint_t  lines;

    if (cause == SIGV4_CAUSE_THROTTLED
        || (status == NGX_HTTP_BAD_REQUEST
            && (cause == SIGV4_CAUSE_OTHER || cause == SIGV4_CAUSE_UNKNOWN)))
    {
        return NGX_LOG_INFO;
    }

    if (second != ngx_time()) {

        if (lines > NGX_HTTP_AWS_SIGV4_CAUSE_LINES) {
            ngx_log_error(NGX_LOG_ERR, log, 0,
                          "aws sigv4: the upstream refused %ui more requests "
                          "in one second, these lines are of level \"info\"",
                          lines - NGX_HTTP_AWS_SIGV4_CAUSE_LINES);
        }

        second = ngx_time();
        lines = 0;
    }

    return ++lines > NGX_HTTP_AWS_SIGV4_CAUSE_LINES ? NGX_LOG_INFO
                                                    : NGX_LOG_ERR;
}


static ngx_str_t
ngx_http_aws_sigv4_cause_difference(ngx_http_request_t *r,
    ngx_http_aws_sigv4_ctx_t *ctx, ngx_http_aws_sigv4_why_t *why)
{
    size_t               len;
    ngx_str_t            name, ours, theirs, text;
    const char          *part;
    sigv4_difference_t  *d;

    d = &why->difference;

    ngx_str_null(&text);

    if (!why->compared
        || d->part == SIGV4_PART_NONE
        || d->part == SIGV4_PART_CUT)
    {
        return text;
    }

    part = sigv4_part_name(d->part);

    if (d->part == SIGV4_PART_REQUEST_HASH
        && why->cause == SIGV4_CAUSE_ALTERED_HEADER)
    {
        part = "header x-amz-security-token";
    }

    name = ngx_http_aws_sigv4_cause_text(r, ctx, d->name,
                                         NGX_HTTP_AWS_SIGV4_SHOWN_NAME);
    ours = ngx_http_aws_sigv4_cause_text(r, ctx, d->ours,
                                         NGX_HTTP_AWS_SIGV4_SHOWN_VALUE);
    theirs = ngx_http_aws_sigv4_cause_text(r, ctx, d->theirs,
                                           NGX_HTTP_AWS_SIGV4_SHOWN_VALUE);

    len = sizeof(", the first difference is in  : \"\" was signed, \"\" was "
                 "received") + ngx_strlen(part) + name.len + ours.len
          + theirs.len + 2 * NGX_SIZE_T_LEN + sizeof(" bytes") * 2;

    text.data = ngx_pnalloc(r->pool, len);
    if (text.data == NULL) {
        return text;
    }

    text.len = ngx_snprintf(text.data, len,
                            ", the first difference is in %s%s%V",
                            part, name.len ? " " : "", &name)
               - text.data;

    if (d->ours.data == NULL || d->theirs.data == NULL) {
        text.len = ngx_snprintf(text.data + text.len, len - text.len,
                                ": it was %s",
                                d->ours.data ? "signed and not received"
                                             : "received and not signed")
                   - text.data;

    } else if (ngx_http_aws_sigv4_cause_hides(d)) {
        text.len = ngx_snprintf(text.data + text.len, len - text.len,
                                ": %uz bytes were signed, %uz received",
                                d->ours.len, d->theirs.len)
                   - text.data;

    } else {
        text.len = ngx_snprintf(text.data + text.len, len - text.len,
                                ": \"%V\" was signed, \"%V\" was received",
                                &ours, &theirs)
                   - text.data;
    }

    return text;
}


/*
 * Keys of customers, for one, travel in headers; and tokens and signatures in
 * queries, of which no name of a parameter tells for certain.
 */

static ngx_uint_t
ngx_http_aws_sigv4_cause_hides(sigv4_difference_t *d)
{
    ngx_uint_t  i;

    static ngx_str_t  shown[] = {
        ngx_string("host"), ngx_string("date"), ngx_string("content-type"),
        ngx_string("content-length"), ngx_string("content-md5"),
        ngx_string("range"), ngx_string("x-amz-date"),
        ngx_string("x-amz-content-sha256"), ngx_string("x-amz-target"),
        ngx_null_string
    };

    if (d->part == SIGV4_PART_QUERY) {
        return 1;
    }

    if (d->part != SIGV4_PART_HEADER) {
        return 0;
    }

    for (i = 0; shown[i].len; i++) {
        if (shown[i].len == d->name.len
            && ngx_memcmp(shown[i].data, d->name.data, d->name.len) == 0)
        {
            return 0;
        }
    }

    return 1;
}


/* what it says of an Authorization that it cannot read is its value */

static ngx_str_t
ngx_http_aws_sigv4_cause_says(ngx_http_request_t *r,
    ngx_http_aws_sigv4_ctx_t *ctx, ngx_http_aws_sigv4_why_t *why)
{
    u_char       *p;
    size_t        len;
    ngx_str_t     message, region, header, text;

    ngx_str_null(&text);

    if (why->cause == SIGV4_CAUSE_MALFORMED_AUTHORIZATION) {
        return text;
    }

    message = ngx_http_aws_sigv4_cause_text(r, ctx, why->refusal.message,
                                            NGX_HTTP_AWS_SIGV4_SHOWN_MESSAGE);
    region = ngx_http_aws_sigv4_cause_text(r, ctx, why->refusal.region,
                                           NGX_HTTP_AWS_SIGV4_SHOWN_VALUE);
    header = ngx_http_aws_sigv4_cause_text(r, ctx,
                                           why->refusal.unsigned_header,
                                           NGX_HTTP_AWS_SIGV4_SHOWN_VALUE);

    len = sizeof(", it says \"\", not signed: \"\", it expects region \"\"")
          + message.len + region.len + header.len;

    p = ngx_pnalloc(r->pool, len);
    if (p == NULL) {
        return text;
    }

    text.data = p;

    if (region.len) {
        p = ngx_sprintf(p, ", it expects region \"%V\"", &region);
    }

    if (header.len) {
        p = ngx_sprintf(p, ", not signed: \"%V\"", &header);
    }

    if (message.len) {
        p = ngx_sprintf(p, ", it says \"%V\"", &message);
    }

    text.len = p - text.data;

    return text;
}


static ngx_str_t
ngx_http_aws_sigv4_cause_text(ngx_http_request_t *r,
    ngx_http_aws_sigv4_ctx_t *ctx, sigv4_str_t s, size_t max)
{
    u_char     *p, c;
    size_t      i, len;
    ngx_str_t   text;

    ngx_str_null(&text);

    if (s.len == 0) {
        return text;
    }

    len = ngx_http_aws_sigv4_cause_cut(ctx, (u_char *) s.data, s.len);
    len = ngx_min(len, max);

    text.data = ngx_pnalloc(r->pool, 4 * len + sizeof("...") - 1);
    if (text.data == NULL) {
        return text;
    }

    p = text.data;

    for (i = 0; i < len; i++) {
        c = s.data[i];

        if (c < ' ' || c > '~' || c == '"' || c == '\\' || c == '<'
            || c == '>')
        {
            p = ngx_sprintf(p, "\\x%02Xd", (ngx_uint_t) c);

        } else {
            *p++ = c;
        }
    }

    if (len < s.len) {
        p = ngx_cpymem(p, "...", sizeof("...") - 1);
    }

    text.len = p - text.data;

    return text;
}


/* how much of it is before the first secret */

static size_t
ngx_http_aws_sigv4_cause_cut(ngx_http_aws_sigv4_ctx_t *ctx, u_char *data,
    size_t len)
{
    size_t      i, word;
    u_char      c, *p, *last;
    ngx_str_t  *lines;

    static ngx_str_t  canonical = ngx_string("The Canonical String");
    static ngx_str_t  algorithm = ngx_string(SIGV4_ALGORITHM " ");

    len = ngx_http_aws_sigv4_cause_before(data, len, canonical.data,
                                          canonical.len);
    len = ngx_http_aws_sigv4_cause_before(data, len, algorithm.data,
                                          algorithm.len);

    /* the lines that were sent end with the token and the signature */

    lines = &ctx->signature.headers;
    last = lines->data + lines->len;

    if (lines->len > SIGV4_SIGNATURE_LEN + 2) {
        len = ngx_http_aws_sigv4_cause_before(data, len,
                                      last - 2 - SIGV4_SIGNATURE_LEN,
                                      NGX_HTTP_AWS_SIGV4_SHOWN_SECRET);
    }

    p = ngx_strlcasestrn(lines->data, last, (u_char *) "X-Amz-Security-Token",
                         sizeof("X-Amz-Security-Token") - 2);

    if (ctx->signature.token && p != NULL) {
        p += sizeof("X-Amz-Security-Token: ") - 1;

        if ((size_t) (last - p) > NGX_HTTP_AWS_SIGV4_SHOWN_SECRET) {
            len = ngx_http_aws_sigv4_cause_before(data, len, p,
                                          NGX_HTTP_AWS_SIGV4_SHOWN_SECRET);
        }
    }

    for (i = 0, word = 0; i < len; i++) {
        c = data[i];

        word = (c > ' ' && c < 0x7f && c != '.' && c != ':') ? word + 1 : 0;

        if (word == NGX_HTTP_AWS_SIGV4_SHOWN_WORD) {
            return i + 1 - word;
        }
    }

    return len;
}


static size_t
ngx_http_aws_sigv4_cause_before(u_char *data, size_t len, u_char *text,
    size_t text_len)
{
    size_t  i;

    for (i = 0; i + text_len <= len; i++) {
        if (ngx_memcmp(data + i, text, text_len) == 0) {
            return i;
        }
    }

    return len;
}
