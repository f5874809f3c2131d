
/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */


#include "ngx_http_aws_sigv4_metrics_html.h"


/* of a range of Accept, the closer ones first */
#define NGX_HTTP_AWS_SIGV4_NO_MATCH       0
#define NGX_HTTP_AWS_SIGV4_ANY_MATCH      1
#define NGX_HTTP_AWS_SIGV4_MAJOR_MATCH    2
#define NGX_HTTP_AWS_SIGV4_EXACT_MATCH    3


typedef struct {
    ngx_str_t                       name;     /* of ?format= */
    ngx_str_t                       accept;   /* the type in Accept */
    ngx_str_t                       type;     /* Content-Type */
    char                           *policy;
    ngx_http_aws_sigv4_status_pt    write;
} ngx_http_aws_sigv4_format_t;


static ngx_int_t ngx_http_aws_sigv4_status_handler(ngx_http_request_t *r);
static ngx_int_t ngx_http_aws_sigv4_status_unknown(ngx_http_request_t *r);
static ngx_int_t ngx_http_aws_sigv4_status_format(ngx_http_request_t *r,
    ngx_http_aws_sigv4_format_t **format);
static ngx_int_t ngx_http_aws_sigv4_status_accept(ngx_http_request_t *r,
    ngx_str_t *accept);
static ngx_uint_t ngx_http_aws_sigv4_status_accepts(ngx_table_elt_t *h);
static ngx_http_aws_sigv4_format_t *ngx_http_aws_sigv4_status_negotiate(
    ngx_str_t *accept);
static ngx_uint_t ngx_http_aws_sigv4_status_weight(ngx_str_t *accept,
    ngx_str_t *type);
static ngx_uint_t ngx_http_aws_sigv4_status_match(ngx_str_t *range,
    ngx_str_t *type, ngx_str_t *params);
static ngx_uint_t ngx_http_aws_sigv4_status_quality(ngx_str_t *params);


/* the first is what everybody gets who asks for nothing else */

static ngx_http_aws_sigv4_format_t  ngx_http_aws_sigv4_formats[] = {

    { ngx_string("prometheus"),
      ngx_string("text/plain"),
      ngx_string("text/plain; version=0.0.4; charset=utf-8"),
      NULL,
      ngx_http_aws_sigv4_metrics_text },

    { ngx_string("json"),
      ngx_string("application/json"),
      ngx_string("application/json"),
      NULL,
      ngx_http_aws_sigv4_metrics_json },

    { ngx_string("html"),
      ngx_string("text/html"),
      ngx_string("text/html; charset=utf-8"),
      ngx_http_aws_sigv4_page_policy,
      ngx_http_aws_sigv4_metrics_html },

    { ngx_null_string, ngx_null_string, ngx_null_string, NULL, NULL }
};


char *
ngx_http_aws_sigv4_status(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_core_loc_conf_t        *clcf;
    ngx_http_aws_sigv4_main_conf_t  *smcf;

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);
    clcf->handler = ngx_http_aws_sigv4_status_handler;

    smcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_aws_sigv4_module);
    smcf->metrics = 1;

    return NGX_CONF_OK;
}


static ngx_int_t
ngx_http_aws_sigv4_status_handler(ngx_http_request_t *r)
{
    ngx_int_t                        rc;
    ngx_http_aws_sigv4_out_t         out;
    ngx_http_aws_sigv4_format_t     *format;
    ngx_http_aws_sigv4_main_conf_t  *smcf;

    rc = ngx_http_aws_sigv4_out_method(r);
    if (rc != NGX_OK) {
        return rc;
    }

    rc = ngx_http_aws_sigv4_status_format(r, &format);

    if (rc == NGX_DECLINED) {
        return ngx_http_aws_sigv4_status_unknown(r);
    }

    if (rc != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    /* megabytes, which nobody would see */

    if (r->method == NGX_HTTP_HEAD) {
        return ngx_http_aws_sigv4_out_head(r, NGX_HTTP_OK, &format->type,
                                           format->policy);
    }

    smcf = ngx_http_get_module_main_conf(r, ngx_http_aws_sigv4_module);

    ngx_http_aws_sigv4_out_init(&out, r->pool);

    format->write(smcf, &out);

    return ngx_http_aws_sigv4_out_send(r, &out, NGX_HTTP_OK, &format->type,
                                       format->policy);
}


static ngx_int_t
ngx_http_aws_sigv4_status_unknown(ngx_http_request_t *r)
{
    ngx_http_aws_sigv4_out_t      out;
    ngx_http_aws_sigv4_format_t  *f;

    static ngx_str_t  type = ngx_string("text/plain");

    ngx_http_aws_sigv4_out_init(&out, r->pool);

    ngx_http_aws_sigv4_out(&out, "unknown format, there are");

    for (f = ngx_http_aws_sigv4_formats; f->write != NULL; f++) {
        ngx_http_aws_sigv4_out(&out, " %V", &f->name);
    }

    ngx_http_aws_sigv4_out(&out, "\n");

    return ngx_http_aws_sigv4_out_send(r, &out, NGX_HTTP_BAD_REQUEST, &type,
                                       NULL);
}


/* NGX_DECLINED: format= names one that there is not */

static ngx_int_t
ngx_http_aws_sigv4_status_format(ngx_http_request_t *r,
    ngx_http_aws_sigv4_format_t **format)
{
    ngx_str_t                     accept, name;
    ngx_http_aws_sigv4_format_t  *f;

    if (ngx_http_arg(r, (u_char *) "format", 6, &name) == NGX_OK) {

        for (f = ngx_http_aws_sigv4_formats; f->write != NULL; f++) {

            if (ngx_http_aws_sigv4_name_is(&name, (char *) f->name.data,
                                           f->name.len))
            {
                *format = f;
                return NGX_OK;
            }
        }

        return NGX_DECLINED;
    }

    if (ngx_http_aws_sigv4_status_accept(r, &accept) != NGX_OK) {
        return NGX_ERROR;
    }

    *format = ngx_http_aws_sigv4_status_negotiate(&accept);

    return NGX_OK;
}


/*
 * RFC 9110, 5.3: lines of one name are one list.  nginx itself looks at this
 * header in some of its builds only.
 */

static ngx_int_t
ngx_http_aws_sigv4_status_accept(ngx_http_request_t *r, ngx_str_t *accept)
{
    u_char           *p;
    size_t            size;
    ngx_uint_t        i;
    ngx_list_part_t  *part;
    ngx_table_elt_t  *h;

    size = 0;

    for (part = &r->headers_in.headers.part; part; part = part->next) {
        h = part->elts;

        for (i = 0; i < part->nelts; i++) {
            size += ngx_http_aws_sigv4_status_accepts(&h[i])
                    ? h[i].value.len + 1 : 0;
        }
    }

    p = ngx_pnalloc(r->pool, size + 1);
    if (p == NULL) {
        return NGX_ERROR;
    }

    accept->data = p;
    accept->len = size;

    for (part = &r->headers_in.headers.part; part; part = part->next) {
        h = part->elts;

        for (i = 0; i < part->nelts; i++) {

            if (ngx_http_aws_sigv4_status_accepts(&h[i])) {
                p = ngx_cpymem(p, h[i].value.data, h[i].value.len);
                *p++ = ',';
            }
        }
    }

    return NGX_OK;
}


static ngx_uint_t
ngx_http_aws_sigv4_status_accepts(ngx_table_elt_t *h)
{
    return h->key.len == 6
           && ngx_strncasecmp(h->key.data, (u_char *) "accept", 6) == 0;
}


static ngx_http_aws_sigv4_format_t *
ngx_http_aws_sigv4_status_negotiate(ngx_str_t *accept)
{
    ngx_uint_t                    weight, most;
    ngx_http_aws_sigv4_format_t  *f, *best;

    best = ngx_http_aws_sigv4_formats;
    most = 0;

    for (f = ngx_http_aws_sigv4_formats; f->write != NULL; f++) {

        weight = ngx_http_aws_sigv4_status_weight(accept, &f->accept);

        if (weight > most) {
            most = weight;
            best = f;
        }
    }

    return best;
}


/*
 * RFC 9110, 12.5.1: the closest range decides.  Of types that are equally
 * good one that is named goes before one that "*" allows, and one that is
 * named earlier before those behind it.
 */

static ngx_uint_t
ngx_http_aws_sigv4_status_weight(ngx_str_t *accept, ngx_str_t *type)
{
    u_char      *p, *end, *comma;
    ngx_str_t    range, params;
    ngx_uint_t   n, match, closest, weight;

    p = accept->data;
    end = p + accept->len;
    closest = NGX_HTTP_AWS_SIGV4_NO_MATCH;
    weight = 0;

    for (n = 0; p < end; n++) {

        comma = ngx_strlchr(p, end, ',');

        if (comma == NULL) {
            comma = end;
        }

        range.data = p;
        range.len = comma - p;

        match = ngx_http_aws_sigv4_status_match(&range, type, &params);

        if (match > closest) {
            closest = match;

            weight = ngx_http_aws_sigv4_status_quality(&params);

            if (weight) {
                weight = (weight * 4 + match) * 64 - ngx_min(n, 63);
            }
        }

        p = comma + 1;
    }

    return weight;
}


static ngx_uint_t
ngx_http_aws_sigv4_status_match(ngx_str_t *range, ngx_str_t *type,
    ngx_str_t *params)
{
    u_char  *p, *end, *last;
    size_t   major, len;

    p = range->data;
    end = p + range->len;

    while (p < end && (*p == ' ' || *p == '\t')) {
        p++;
    }

    last = ngx_strlchr(p, end, ';');

    if (last == NULL) {
        last = end;
    }

    params->data = last;
    params->len = end - last;

    while (last > p && (last[-1] == ' ' || last[-1] == '\t')) {
        last--;
    }

    len = last - p;

    if (len == type->len && ngx_strncasecmp(p, type->data, len) == 0) {
        return NGX_HTTP_AWS_SIGV4_EXACT_MATCH;
    }

    major = ngx_strlchr(type->data, type->data + type->len, '/') + 1
            - type->data;

    if (len == major + 1 && p[major] == '*'
        && ngx_strncasecmp(p, type->data, major) == 0)
    {
        return NGX_HTTP_AWS_SIGV4_MAJOR_MATCH;
    }

    return (len == 3 && ngx_strncmp(p, "*/*", 3) == 0)
           ? NGX_HTTP_AWS_SIGV4_ANY_MATCH : NGX_HTTP_AWS_SIGV4_NO_MATCH;
}


/* of 1000; what cannot be read is no wish for less */

static ngx_uint_t
ngx_http_aws_sigv4_status_quality(ngx_str_t *params)
{
    u_char     *p, *end;
    ngx_int_t   q;

    p = params->data;
    end = p + params->len;

    while (p < end) {
        p++;

        while (p < end && (*p == ' ' || *p == '\t')) {
            p++;
        }

        if (end - p > 2 && (*p == 'q' || *p == 'Q') && p[1] == '=') {
            p += 2;

            for (end = p; end < params->data + params->len
                          && ((*end >= '0' && *end <= '9') || *end == '.');
                 end++)
            {
                /* void */
            }

            q = ngx_atofp(p, ngx_min(end - p, 5), 3);

            return (q == NGX_ERROR || q > 1000) ? 1000 : q;
        }

        p = ngx_strlchr(p, end, ';');

        if (p == NULL) {
            break;
        }
    }

    return 1000;
}
