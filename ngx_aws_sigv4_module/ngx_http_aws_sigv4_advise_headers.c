
/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Warnings of what proxy_set_header cannot do to a request that is signed.
 */


#include "ngx_http_aws_sigv4_advise.h"


static void ngx_http_aws_sigv4_advise_twice(ngx_conf_t *cf,
    ngx_http_aws_sigv4_loc_conf_t *conf, ngx_http_aws_sigv4_header_t *header);
static void ngx_http_aws_sigv4_advise_length(ngx_conf_t *cf,
    ngx_http_aws_sigv4_loc_conf_t *conf);


void
ngx_http_aws_sigv4_advise_headers(ngx_conf_t *cf,
    ngx_http_aws_sigv4_loc_conf_t *conf)
{
    ngx_str_t                    *name;
    ngx_uint_t                    i;
    ngx_http_aws_sigv4_header_t  *header;

    ngx_http_aws_sigv4_advise_length(cf, conf);

    if (conf->proxy.headers == NULL) {
        return;
    }

    header = conf->proxy.headers->elts;

    for (i = 0; i < conf->proxy.headers->nelts; i++) {
        name = &header[i].name;

        /* an empty one is not sent */

        if (header[i].source.len == 0) {
            continue;
        }

        if (ngx_http_aws_sigv4_is_replaced(name)) {
            ngx_http_aws_sigv4_warn(cf, conf,
                          "\"proxy_set_header %V\" in %s:%ui has no effect, "
                          "the signature replaces it, remove it", name,
                          header[i].file, header[i].line);

        } else if (ngx_http_aws_sigv4_name_is(name, "expect", 6)) {
            ngx_http_aws_sigv4_warn(cf, conf,
                          "\"proxy_set_header %V\" in %s:%ui makes the "
                          "service send \"100 Continue\", which nginx takes "
                          "for the answer, remove it", name, header[i].file,
                          header[i].line);

        } else if (ngx_http_aws_sigv4_name_is(name, "host", 4)) {
            ngx_http_aws_sigv4_advise_twice(cf, conf, &header[i]);

        } else if (ngx_http_aws_sigv4_name_is(name, "content-length", 14)
                   || ngx_http_aws_sigv4_name_is(name, "transfer-encoding",
                                                 17))
        {
            /* the body that is sent would not be the one that was signed */

            ngx_http_aws_sigv4_warn(cf, conf,
                          "\"proxy_set_header %V\" in %s:%ui may contradict "
                          "the body that is signed, and such a request is "
                          "not sent, remove it", name, header[i].file,
                          header[i].line);
        }
    }
}


/* nginx sends both */

static void
ngx_http_aws_sigv4_advise_twice(ngx_conf_t *cf,
    ngx_http_aws_sigv4_loc_conf_t *conf, ngx_http_aws_sigv4_header_t *header)
{
    ngx_http_aws_sigv4_header_t  *first;

    for (first = conf->proxy.headers->elts; first < header; first++) {

        if (first->source.len
            && ngx_http_aws_sigv4_name_is(&first->name,
                                          (char *) header->name.data,
                                          header->name.len))
        {
            ngx_http_aws_sigv4_warn(cf, conf,
                          "\"proxy_set_header %V\" in %s:%ui is the second "
                          "one, and a request with both is not sent, remove "
                          "one of them", &header->name, header->file,
                          header->line);
            return;
        }
    }
}


/* a head must announce the body that follows, and no other */

static void
ngx_http_aws_sigv4_advise_length(ngx_conf_t *cf,
    ngx_http_aws_sigv4_loc_conf_t *conf)
{
    ngx_http_aws_sigv4_header_t  *header;

    static ngx_str_t  name = ngx_string("content-length");

    header = ngx_http_aws_sigv4_proxy_header(conf, &name);

    if (header == NULL) {

        if (!conf->proxy.pass_body && !conf->proxy.set_body) {
            ngx_http_aws_sigv4_warn(cf, conf,
                          "\"proxy_pass_request_body off\" leaves the length "
                          "of the body, and a request with one is not sent, "
                          "write 'proxy_set_header Content-Length \"\";'");
        }

        return;
    }

    if (header->source.len == 0
        && (conf->proxy.pass_body || conf->proxy.set_body))
    {
        ngx_http_aws_sigv4_warn(cf, conf,
                      "\"proxy_set_header %V\" in %s:%ui takes the length "
                      "away, and a request with a body is not sent, remove "
                      "it", &name, header->file, header->line);
    }
}
