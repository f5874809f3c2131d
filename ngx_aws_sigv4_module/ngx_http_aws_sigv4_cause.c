
/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */


#include "ngx_http_aws_sigv4_cause.h"


/* every service takes a date that is less apart, in seconds */
#define NGX_HTTP_AWS_SIGV4_DATE_RIGHT     240


static void ngx_http_aws_sigv4_cause_find(ngx_http_request_t *r,
    ngx_http_aws_sigv4_ctx_t *ctx, ngx_http_aws_sigv4_refused_t *refused,
    ngx_http_aws_sigv4_why_t *why, sigv4_buf_t *buf);
static sigv4_cause_e ngx_http_aws_sigv4_cause_signed(
    ngx_http_aws_sigv4_ctx_t *ctx, ngx_http_aws_sigv4_refused_t *refused,
    sigv4_refusal_t *refusal);
static ngx_uint_t ngx_http_aws_sigv4_cause_session(
    ngx_http_aws_sigv4_ctx_t *ctx, ngx_http_aws_sigv4_refused_t *refused,
    sigv4_refusal_t *refusal);
static ngx_uint_t ngx_http_aws_sigv4_cause_checksum(
    ngx_http_aws_sigv4_ctx_t *ctx);
static void ngx_http_aws_sigv4_cause_compare(ngx_http_request_t *r,
    ngx_http_aws_sigv4_ctx_t *ctx, ngx_http_aws_sigv4_why_t *why);
static void ngx_http_aws_sigv4_cause_act(ngx_http_request_t *r,
    ngx_http_aws_sigv4_ctx_t *ctx, ngx_http_aws_sigv4_refused_t *refused);


void
ngx_http_aws_sigv4_cause(ngx_http_request_t *r,
    ngx_http_aws_sigv4_ctx_t *ctx, ngx_http_aws_sigv4_refused_t *refused)
{
    u_char                    *start;
    sigv4_buf_t                buf;
    ngx_http_aws_sigv4_why_t   why;

    start = ngx_pnalloc(r->pool, refused->len + 1);
    if (start == NULL) {
        ngx_explicit_memzero(refused->data, refused->len);
        return;
    }

    buf.last = start;
    buf.end = start + refused->len;

    ngx_memzero(&why, sizeof(ngx_http_aws_sigv4_why_t));

    ngx_http_aws_sigv4_cause_find(r, ctx, refused, &why, &buf);

    ctx->cause = why.cause;

    ngx_http_aws_sigv4_cause_count(ngx_http_get_module_main_conf(r,
                                                 ngx_http_aws_sigv4_module),
                                   why.cause);

    ngx_http_aws_sigv4_cause_log(r, ctx, refused, &why);
    ngx_http_aws_sigv4_cause_act(r, ctx, refused);

    /* S3 sends the session token back in the canonical request */

    ngx_explicit_memzero(start, buf.last - start);
    ngx_explicit_memzero(refused->data, refused->len);

    /* all that a page includes has one pool */

    (void) ngx_pfree(r->pool, start);
}


static void
ngx_http_aws_sigv4_cause_find(ngx_http_request_t *r,
    ngx_http_aws_sigv4_ctx_t *ctx, ngx_http_aws_sigv4_refused_t *refused,
    ngx_http_aws_sigv4_why_t *why, sigv4_buf_t *buf)
{
    ngx_str_t         region;
    sigv4_str_t       text, code;
    sigv4_refusal_t  *refusal;

    refusal = &why->refusal;

    text.data = refused->data;
    text.len = refused->len;

    sigv4_refusal_read(refusal, text, buf);

    code = sigv4_refusal_code(ngx_http_aws_sigv4_str(&refused->type));

    if (code.len != 0) {
        refusal->code = code;
    }

    why->cause = ngx_http_aws_sigv4_cause_signed(ctx, refused, refusal);

    if (why->cause == SIGV4_CAUSE_SIGNATURE_MISMATCH) {
        ngx_http_aws_sigv4_cause_compare(r, ctx, why);
    }

    /* S3 answers HEAD with no body, but says where the bucket is */

    region = refused->bucket_region;

    if (why->cause == SIGV4_CAUSE_UNKNOWN
        && region.len != 0
        && (region.len != ctx->region.len
            || ngx_memcmp(region.data, ctx->region.data, region.len) != 0))
    {
        why->cause = SIGV4_CAUSE_WRONG_REGION;
        refusal->region = ngx_http_aws_sigv4_str(&region);
    }
}


/* what the request itself tells of the cause */

static sigv4_cause_e
ngx_http_aws_sigv4_cause_signed(ngx_http_aws_sigv4_ctx_t *ctx,
    ngx_http_aws_sigv4_refused_t *refused, sigv4_refusal_t *refusal)
{
    ngx_str_t      *id;
    sigv4_cause_e   cause;

    id = &ctx->signature.access_key_id;
    cause = sigv4_cause(refusal);

    switch (cause) {

    case SIGV4_CAUSE_UNKNOWN_KEY:
    case SIGV4_CAUSE_INVALID_TOKEN:

        /* keys of this form are those of sessions */

        if (!ctx->signature.token
            && id->len >= 4
            && ngx_memcmp(id->data, "ASIA", 4) == 0)
        {
            return SIGV4_CAUSE_MISSING_TOKEN;
        }

        return cause;

    case SIGV4_CAUSE_CLOCK_SKEW:
        return ngx_http_aws_sigv4_cause_session(ctx, refused, refusal)
               ? SIGV4_CAUSE_EXPIRED_TOKEN : cause;

    case SIGV4_CAUSE_BAD_DIGEST:
        return ngx_http_aws_sigv4_cause_checksum(ctx)
               ? cause : SIGV4_CAUSE_ALTERED_BODY;

    default:
        return cause;
    }
}


/*
 * EC2 says "RequestExpired" of a date and of a session alike: it is not the
 * date if that of the answer is about the same.
 */

static ngx_uint_t
ngx_http_aws_sigv4_cause_session(ngx_http_aws_sigv4_ctx_t *ctx,
    ngx_http_aws_sigv4_refused_t *refused, sigv4_refusal_t *refusal)
{
    time_t        apart;
    sigv4_str_t  *code;

    static ngx_str_t  expired = ngx_string("RequestExpired");

    code = &refusal->code;

    if (!ctx->signature.token
        || refused->date == -1
        || code->len < expired.len
        || ngx_memcmp(code->data, expired.data, expired.len) != 0)
    {
        return 0;
    }

    apart = refused->date - (ctx->signature.time + ctx->signature.skew);

    return apart < NGX_HTTP_AWS_SIGV4_DATE_RIGHT
           && apart > -NGX_HTTP_AWS_SIGV4_DATE_RIGHT;
}


/* whether there is another checksum than the payload hash */

static ngx_uint_t
ngx_http_aws_sigv4_cause_checksum(ngx_http_aws_sigv4_ctx_t *ctx)
{
    size_t            i;
    sigv4_str_t      *name;
    sigv4_request_t  *req;

    static ngx_str_t  checksum = ngx_string("x-amz-checksum-");
    static ngx_str_t  md5 = ngx_string("content-md5");

    req = &ctx->signature.request;

    for (i = 0; i < req->nfields; i++) {
        name = &req->fields[i].name;

        if ((name->len == md5.len
             && ngx_memcmp(name->data, md5.data, md5.len) == 0)
            || (name->len > checksum.len
                && ngx_memcmp(name->data, checksum.data, checksum.len) == 0))
        {
            return 1;
        }
    }

    return 0;
}


static void
ngx_http_aws_sigv4_cause_compare(ngx_http_request_t *r,
    ngx_http_aws_sigv4_ctx_t *ctx, ngx_http_aws_sigv4_why_t *why)
{
    ngx_str_t            canonical, names;
    sigv4_str_t          theirs;
    sigv4_refusal_t     *refusal;
    sigv4_difference_t  *difference;

    refusal = &why->refusal;
    difference = &why->difference;

    difference->part = SIGV4_PART_CUT;

    theirs = refusal->canonical_request;

    if (theirs.len != 0
        && ngx_http_aws_sigv4_explain(r, ctx, &canonical, &names) == NGX_OK)
    {
        sigv4_compare_requests(difference,
                               ngx_http_aws_sigv4_str(&canonical), theirs,
                               refusal->cut == &refusal->canonical_request);
        why->compared = 1;

        if (difference->part != SIGV4_PART_NONE
            && difference->part != SIGV4_PART_CUT)
        {
            why->cause = sigv4_cause_of(difference);
            return;
        }
    }

    theirs = refusal->string_to_sign;

    if (theirs.len != 0) {
        sigv4_compare_strings(difference,
                        ngx_http_aws_sigv4_str(&ctx->signature.string_to_sign),
                        theirs, refusal->cut == &refusal->string_to_sign);

        /* all that was not compared is the token, which is masked */

        if (difference->part == SIGV4_PART_REQUEST_HASH
            && why->compared
            && ctx->signature.token)
        {
            why->cause = SIGV4_CAUSE_ALTERED_HEADER;
            return;
        }

        why->compared = 1;
    }

    if (why->compared) {
        why->cause = sigv4_cause_of(difference);
    }
}


static void
ngx_http_aws_sigv4_cause_act(ngx_http_request_t *r,
    ngx_http_aws_sigv4_ctx_t *ctx, ngx_http_aws_sigv4_refused_t *refused)
{
    switch (ctx->cause) {

    case SIGV4_CAUSE_UNKNOWN_KEY:
    case SIGV4_CAUSE_MISSING_TOKEN:
    case SIGV4_CAUSE_EXPIRED_TOKEN:
        ngx_http_aws_sigv4_credentials_refused(ctx->provider,
                                               ctx->signature.generation);
        break;

    case SIGV4_CAUSE_CLOCK_SKEW:
        ngx_http_aws_sigv4_skew_learn(r, ctx, refused);
        break;

    default:
        break;
    }
}
