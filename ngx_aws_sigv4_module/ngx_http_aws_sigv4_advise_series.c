
/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * How many series the locations need at least: what a variable, a hook or a
 * provider chooses is one.
 */


#include "ngx_http_aws_sigv4_advise.h"
#include "ngx_http_aws_sigv4_metrics.h"
#include "providers/ngx_http_aws_sigv4_provider.h"


static ngx_str_t ngx_http_aws_sigv4_literal(ngx_http_complex_value_t *cv,
    sigv4_str_t *known);


void
ngx_http_aws_sigv4_advise_series(ngx_conf_t *cf,
    ngx_http_aws_sigv4_loc_conf_t *conf)
{
    u_char                          *p;
    ngx_str_t                        text, service, region;
    ngx_http_aws_sigv4_main_conf_t  *smcf;

    smcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_aws_sigv4_module);

    service = ngx_http_aws_sigv4_literal(conf->service, &conf->known.service);
    region = ngx_http_aws_sigv4_literal(conf->region, &conf->known.region);

    text.data = ngx_pnalloc(cf->temp_pool, conf->metrics_label.len
                                           + service.len + region.len
                                           + conf->provider->name.len + 3);
    if (text.data == NULL) {
        return;
    }

    p = ngx_sprintf(text.data, "%V%Z%V%Z%V%Z%V", &conf->metrics_label,
                    &service, &region, &conf->provider->name);

    text.len = p - text.data;

    if (!ngx_http_aws_sigv4_told(cf, &smcf->series, &text)) {
        smcf->nseries++;
    }
}


static ngx_str_t
ngx_http_aws_sigv4_literal(ngx_http_complex_value_t *cv, sigv4_str_t *known)
{
    ngx_str_t  value;

    ngx_str_null(&value);

    if (ngx_http_aws_sigv4_unset(cv)) {
        value.len = known->len;
        value.data = (u_char *) known->data;

    } else if (cv->lengths == NULL) {
        value = cv->value;
    }

    return value;
}
