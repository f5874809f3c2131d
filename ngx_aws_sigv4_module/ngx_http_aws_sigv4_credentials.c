
/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include "providers/ngx_http_aws_sigv4_provider.h"
#include "ngx_http_aws_sigv4_refresh.h"


/* how often the log says that a provider has no credentials, in seconds */
#define NGX_HTTP_AWS_SIGV4_COMPLAIN       60

/* pid_max is at most 2^22 */
#define NGX_HTTP_AWS_SIGV4_PID_BITS       22


typedef struct {
    ngx_http_aws_sigv4_credentials_t     cred;
    ngx_event_t                          retire;
} ngx_http_aws_sigv4_set_t;


static ngx_uint_t ngx_http_aws_sigv4_printable(sigv4_str_t *s);
static ngx_uint_t ngx_http_aws_sigv4_equal(sigv4_str_t *a, sigv4_str_t *b);
static u_char *ngx_http_aws_sigv4_copy(u_char *p, sigv4_str_t *dst,
    sigv4_str_t *src);
static void ngx_http_aws_sigv4_retire(ngx_event_t *ev);
static void ngx_http_aws_sigv4_log_set(ngx_http_aws_sigv4_provider_t *p,
    ngx_log_t *log, u_char *source);


ngx_int_t
ngx_http_aws_sigv4_credentials_get(ngx_http_aws_sigv4_provider_t *provider,
    ngx_log_t *log, ngx_http_aws_sigv4_credentials_t **cred)
{
    ngx_http_aws_sigv4_provider_t  *p;

    if (provider->type->refresh != NULL) {

        /* what it says is not about the request */

        provider->type->refresh(provider, ngx_cycle->log);
    }

    p = provider->source ? provider->source : provider;

    if (ngx_http_aws_sigv4_credentials_usable(p->credentials)) {
        *cred = p->credentials;
        return NGX_OK;
    }

    if (p->remote != NULL) {
        return NGX_AGAIN;
    }

    ngx_http_aws_sigv4_credentials_missing(provider, log);

    return NGX_DECLINED;
}


ngx_uint_t
ngx_http_aws_sigv4_credentials_usable(ngx_http_aws_sigv4_credentials_t *cred)
{
    return cred != NULL && (cred->expires == 0 || cred->expires > ngx_time());
}


void
ngx_http_aws_sigv4_credentials_missing(
    ngx_http_aws_sigv4_provider_t *provider, ngx_log_t *log)
{
    ngx_str_t                      *error;
    ngx_http_aws_sigv4_provider_t  *p;

    static ngx_str_t  expired = ngx_string("it has credentials that have "
                                           "expired");

    if (ngx_time() - provider->complained < NGX_HTTP_AWS_SIGV4_COMPLAIN) {
        return;
    }

    provider->complained = ngx_time();

    p = provider->source ? provider->source : provider;

    error = (p->credentials && p->remote == NULL) ? &expired : &p->error;

    ngx_log_error(NGX_LOG_ERR, log, 0,
                  "aws sigv4: no credentials available from provider "
                  "\"%V\": %V", &provider->name, error);
}


void
ngx_http_aws_sigv4_credentials_refused(
    ngx_http_aws_sigv4_provider_t *provider, uint64_t generation)
{
    ngx_http_aws_sigv4_provider_t  *p;

    p = provider->source ? provider->source : provider;

    if (p->remote != NULL && p->remote->slot != NULL) {
        ngx_http_aws_sigv4_refresh_early(p, generation);
    }
}


ngx_str_t *
ngx_http_aws_sigv4_provider_region(ngx_http_aws_sigv4_provider_t *provider)
{
    ngx_http_aws_sigv4_store_t     *store;
    ngx_http_aws_sigv4_provider_t  *leaf;

    store = provider->store;
    leaf = provider->source ? provider->source : provider;

    if (leaf->region.len) {
        return &leaf->region;
    }

    if (provider->region.len) {
        return &provider->region;
    }

    if (store->region.len == 0 && leaf->remote != NULL) {

        /* another worker may have fetched it */

        leaf->type->refresh(leaf, ngx_cycle->log);

        return &leaf->remote->region;
    }

    return &store->region;
}


char *
ngx_http_aws_sigv4_credentials_set(ngx_http_aws_sigv4_provider_t *p,
    ngx_log_t *log, sigv4_credentials_t *value, time_t expires,
    u_char *source)
{
    char                              *err;
    ngx_http_aws_sigv4_credentials_t  *c;

    err = ngx_http_aws_sigv4_credentials_check(value);
    if (err != NULL) {
        return err;
    }

    c = p->credentials;

    if (c != NULL
        && c->expires == expires
        && ngx_http_aws_sigv4_same(&c->value, value))
    {
        return NULL;
    }

    return ngx_http_aws_sigv4_credentials_share(p, log, value, expires,
                                           ngx_http_aws_sigv4_generation(),
                                           source);
}


char *
ngx_http_aws_sigv4_credentials_share(ngx_http_aws_sigv4_provider_t *p,
    ngx_log_t *log, sigv4_credentials_t *value, time_t expires,
    uint64_t generation, u_char *source)
{
    size_t                     size;
    u_char                    *last;
    ngx_http_aws_sigv4_set_t  *set, *old;

    old = (ngx_http_aws_sigv4_set_t *) p->credentials;

    if (old != NULL && old->cred.generation == generation) {
        old->cred.expires = expires;
        return NULL;
    }

    size = sizeof(ngx_http_aws_sigv4_set_t) + value->access_key_id.len
           + value->secret_access_key.len + value->session_token.len;

    set = ngx_http_aws_sigv4_secret_alloc(size, log);
    if (set == NULL) {
        return "there is no memory";
    }

    last = (u_char *) (set + 1);
    last = ngx_http_aws_sigv4_copy(last, &set->cred.value.access_key_id,
                                   &value->access_key_id);
    last = ngx_http_aws_sigv4_copy(last, &set->cred.value.secret_access_key,
                                   &value->secret_access_key);
    (void) ngx_http_aws_sigv4_copy(last, &set->cred.value.session_token,
                                   &value->session_token);

    set->cred.generation = generation;
    set->cred.expires = expires;
    set->cred.read = ngx_current_msec;

    if (old != NULL) {

        /* a request of this turn of the event loop may still hold them */

        old->retire.handler = ngx_http_aws_sigv4_retire;
        old->retire.data = old;
        old->retire.log = ngx_cycle->log;

        ngx_post_event(&old->retire, &ngx_posted_events);
    }

    p->credentials = &set->cred;

    if (source != NULL) {
        ngx_http_aws_sigv4_log_set(p, log, source);
    }

    return NULL;
}


void
ngx_http_aws_sigv4_credentials_free(ngx_http_aws_sigv4_credentials_t *cred)
{
    ngx_http_aws_sigv4_secret_free(cred);
}


/*
 * What would make a request that cannot be right, or that puts a line of
 * its own into the header, is refused; what keys look like is left to those
 * who issue them.
 */

char *
ngx_http_aws_sigv4_credentials_check(sigv4_credentials_t *value)
{
    if (value->access_key_id.len == 0) {
        return "the access key id is empty";
    }

    if (value->secret_access_key.len == 0) {
        return "the secret access key is empty";
    }

    if (value->access_key_id.len > NGX_HTTP_AWS_SIGV4_KEY_ID_MAX) {
        return "the access key id is longer than 256 bytes";
    }

    if (value->secret_access_key.len > NGX_HTTP_AWS_SIGV4_SECRET_MAX) {
        return "the secret access key is longer than 1024 bytes";
    }

    if (value->session_token.len > NGX_HTTP_AWS_SIGV4_TOKEN_MAX) {
        return "the session token is longer than 64K";
    }

    /* the id stands in Credential=id/date/..., SignedHeaders= */

    if (!ngx_http_aws_sigv4_printable(&value->access_key_id)
        || memchr(value->access_key_id.data, '/', value->access_key_id.len)
        || memchr(value->access_key_id.data, ',', value->access_key_id.len))
    {
        return "the access key id contains a space, \"/\", \",\" or "
               "a character that is not printable ASCII";
    }

    if (!ngx_http_aws_sigv4_printable(&value->secret_access_key)) {
        return "the secret access key contains a space or a character that "
               "is not printable ASCII";
    }

    if (!ngx_http_aws_sigv4_printable(&value->session_token)) {
        return "the session token contains a space or a character that "
               "is not printable ASCII";
    }

    return NULL;
}


static ngx_uint_t
ngx_http_aws_sigv4_printable(sigv4_str_t *s)
{
    size_t  i;

    for (i = 0; i < s->len; i++) {
        if (s->data[i] <= ' ' || s->data[i] >= 0x7f) {
            return 0;
        }
    }

    return 1;
}


ngx_uint_t
ngx_http_aws_sigv4_same(sigv4_credentials_t *a, sigv4_credentials_t *b)
{
    return ngx_http_aws_sigv4_equal(&a->access_key_id, &b->access_key_id)
           && ngx_http_aws_sigv4_equal(&a->secret_access_key,
                                       &b->secret_access_key)
           && ngx_http_aws_sigv4_equal(&a->session_token, &b->session_token);
}


static ngx_uint_t
ngx_http_aws_sigv4_equal(sigv4_str_t *a, sigv4_str_t *b)
{
    return a->len == b->len
           && (a->len == 0 || ngx_memcmp(a->data, b->data, a->len) == 0);
}


static u_char *
ngx_http_aws_sigv4_copy(u_char *p, sigv4_str_t *dst, sigv4_str_t *src)
{
    dst->len = src->len;
    dst->data = p;

    if (src->len == 0) {
        return p;
    }

    return ngx_cpymem(p, src->data, src->len);
}


/*
 * Signing keys and signatures are stored by this number, and the store may
 * be shared by all workers and outlive the configuration.  It grows within
 * a process, with the clock, and the process is part of it.  The clock also
 * makes it go on where a reload brings another file of the module.
 */

uint64_t
ngx_http_aws_sigv4_generation(void)
{
    uint64_t     now;
    ngx_time_t  *tp;

    static uint64_t  last;

    tp = ngx_timeofday();
    now = (uint64_t) tp->sec * 1000 + tp->msec;

    last = ngx_max(last + 1, now);

    return last << NGX_HTTP_AWS_SIGV4_PID_BITS
           | ((uint64_t) ngx_pid
              & (((uint64_t) 1 << NGX_HTTP_AWS_SIGV4_PID_BITS) - 1));
}


static void
ngx_http_aws_sigv4_retire(ngx_event_t *ev)
{
    /* the event lies in the memory that is freed */
    ngx_http_aws_sigv4_secret_free(ev->data);
}


static void
ngx_http_aws_sigv4_log_set(ngx_http_aws_sigv4_provider_t *p, ngx_log_t *log,
    u_char *source)
{
    size_t                             shown;
    u_char                             expires[sizeof("1970-09-28T12:00:00Z")];
    ngx_tm_t                           tm;
    sigv4_str_t                       *id;
    ngx_http_aws_sigv4_credentials_t  *c;

    c = p->credentials;
    id = &c->value.access_key_id;
    shown = ngx_min(4, id->len / 2);

    if (c->expires == 0) {
        ngx_log_error(NGX_LOG_NOTICE, log, 0,
                      "aws sigv4: provider \"%V\" uses access key *%*s "
                      "from %s, it does not expire", &p->name,
                      shown, id->data + id->len - shown, source);
        return;
    }

    ngx_gmtime(c->expires, &tm);

    *ngx_sprintf(expires, "%4d-%02d-%02dT%02d:%02d:%02dZ",
                 tm.ngx_tm_year, tm.ngx_tm_mon, tm.ngx_tm_mday,
                 tm.ngx_tm_hour, tm.ngx_tm_min, tm.ngx_tm_sec) = '\0';

    ngx_log_error(NGX_LOG_NOTICE, log, 0,
                  "aws sigv4: provider \"%V\" uses access key *%*s "
                  "from %s, it expires at %s", &p->name,
                  shown, id->data + id->len - shown, source, expires);
}
