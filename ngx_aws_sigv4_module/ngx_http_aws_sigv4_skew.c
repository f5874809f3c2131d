
/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * A service whose clock is another one than that of this machine takes what
 * is signed by its own.
 *
 * Whoever could move the date could keep a signature for a day of his
 * choice.  So a Date is believed only with a refusal because of the date,
 * only where nginx verifies certificates, and only from a connection whose
 * certificate is for the very host that was signed for: a proxy on the way,
 * or another host, cannot say what time it is there.  For the same reason a
 * correction is made only where nginx verifies.  Age tells of an answer
 * that a cache has kept.
 */


#include "ngx_http_aws_sigv4_cause.h"


#define ngx_http_aws_sigv4_apart(a, b)                                        \
    ((a) > (b) ? (a) - (b) : (b) - (a))


static void ngx_http_aws_sigv4_skew_set(ngx_http_request_t *r,
    ngx_http_aws_sigv4_ctx_t *ctx, time_t skew);


time_t
ngx_http_aws_sigv4_skew(ngx_http_aws_sigv4_ctx_t *ctx)
{
    ngx_http_aws_sigv4_main_conf_t  *smcf;

    if (ctx->conf->proxy.ssl_verify != 1) {
        return 0;
    }

    smcf = ngx_http_get_module_main_conf(ctx->request,
                                         ngx_http_aws_sigv4_module);

    return ngx_http_aws_sigv4_clock(smcf, &ctx->host);
}


ngx_uint_t
ngx_http_aws_sigv4_skew_verified(ngx_http_request_t *r,
    ngx_http_aws_sigv4_ctx_t *ctx)
{
#if (NGX_HTTP_SSL)

    u_char            *p;
    ngx_str_t          name;
    ngx_connection_t  *c;

    c = r->upstream->peer.connection;

    /*
     * A kept connection may be one of a location that does not verify: so
     * it is asked again.
     */

    if (!r->upstream->conf->ssl_verify
        || c == NULL
        || c->ssl == NULL
        || SSL_get_verify_result(c->ssl->connection) != X509_V_OK)
    {
        return 0;
    }

    name = ctx->host;

    p = ngx_strlchr(name.data, name.data + name.len, ':');

    if (p != NULL) {
        name.len = p - name.data;
    }

    return name.len != 0 && ngx_ssl_check_host(c, &name) == NGX_OK;

#else

    return 0;

#endif
}


time_t
ngx_http_aws_sigv4_skew_date(ngx_http_request_t *r)
{
    ngx_str_t         age;
    ngx_table_elt_t  *date;

    static ngx_str_t  name = ngx_string("age");

    date = r->upstream->headers_in.date;

    if (date == NULL) {
        return -1;
    }

    age = ngx_http_aws_sigv4_answer_header(r, &name);

    if (age.len != 0 && ngx_atoi(age.data, age.len) != 0) {
        return -1;
    }

    return ngx_parse_http_time(date->value.data, date->value.len);
}


void
ngx_http_aws_sigv4_skew_learn(ngx_http_request_t *r,
    ngx_http_aws_sigv4_ctx_t *ctx, ngx_http_aws_sigv4_refused_t *refused)
{
    time_t                           skew, known;
    ngx_http_aws_sigv4_signature_t  *sig;

    if (!refused->verified || refused->date == -1) {
        return;
    }

    sig = &ctx->signature;
    skew = refused->date - ngx_time();

    if (ngx_http_aws_sigv4_apart(skew, 0) > NGX_HTTP_AWS_SIGV4_SKEW_MAX) {
        ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                      "aws sigv4: the clock of \"%V\" differs by %T s from "
                      "that of this machine, which is too much to be "
                      "corrected", ngx_http_aws_sigv4_shown(r, &ctx->host),
                      skew);
        skew = 0;
    }

    if (ngx_http_aws_sigv4_apart(skew, 0) < NGX_HTTP_AWS_SIGV4_SKEW_MIN) {
        skew = 0;
    }

    known = ngx_http_aws_sigv4_skew(ctx);

    if (known == sig->skew) {

        /* the correction, if there was one, has not helped */

        if (ngx_http_aws_sigv4_apart(skew, known)
            < NGX_HTTP_AWS_SIGV4_SKEW_MIN)
        {
            skew = 0;
        }

    } else if (ngx_http_aws_sigv4_apart(skew, known)
               < NGX_HTTP_AWS_SIGV4_SKEW_MIN)
    {
        /* another request was the first to learn it */

        return;
    }

    ngx_http_aws_sigv4_skew_set(r, ctx, skew);
}


void
ngx_http_aws_sigv4_skew_check(ngx_http_request_t *r,
    ngx_http_aws_sigv4_ctx_t *ctx)
{
    time_t  date;

    date = ngx_http_aws_sigv4_skew_date(r);

    if (date != -1
        && ngx_http_aws_sigv4_apart(date, ngx_time())
           < NGX_HTTP_AWS_SIGV4_SKEW_MIN
        && ngx_http_aws_sigv4_skew_verified(r, ctx))
    {
        ngx_http_aws_sigv4_skew_set(r, ctx, 0);
    }
}


static void
ngx_http_aws_sigv4_skew_set(ngx_http_request_t *r,
    ngx_http_aws_sigv4_ctx_t *ctx, time_t skew)
{
    ngx_str_t                       *host;
    ngx_http_aws_sigv4_main_conf_t  *smcf;

    smcf = ngx_http_get_module_main_conf(r, ngx_http_aws_sigv4_module);

    if (!ngx_http_aws_sigv4_clock_set(smcf, &ctx->host, skew)) {
        return;
    }

    host = ngx_http_aws_sigv4_shown(r, &ctx->host);

    if (skew == 0) {
        ngx_log_error(NGX_LOG_WARN, r->connection->log, 0,
                      "aws sigv4: dates for \"%V\" are no longer corrected",
                      host);
        return;
    }

    ngx_log_error(NGX_LOG_WARN, r->connection->log, 0,
                  "aws sigv4: the clock of \"%V\" differs by %T s from that "
                  "of this machine, by which dates are corrected from now "
                  "on", host, skew);
}
