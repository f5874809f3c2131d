
/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */


#include "ngx_http_aws_sigv4_module.h"
#include "providers/ngx_http_aws_sigv4_provider.h"
#include "ngx_http_aws_sigv4_refresh.h"
#include "ngx_http_aws_sigv4_status.h"


static void ngx_http_aws_sigv4_provider_slot(
    ngx_http_aws_sigv4_provider_t *leaf,
    ngx_http_aws_sigv4_provider_state_t *state);
static time_t ngx_http_aws_sigv4_provider_age(ngx_msec_t since);


void
ngx_http_aws_sigv4_provider_state(ngx_http_aws_sigv4_provider_t *p,
    ngx_http_aws_sigv4_provider_state_t *state)
{
    ngx_http_aws_sigv4_provider_t  *leaf;

    leaf = p->source ? p->source : p;

    /* to look at a provider that nobody uses does not make it fetch */

    if (leaf->type->refresh != NULL
        && (leaf->remote == NULL || leaf->remote->active))
    {
        leaf->type->refresh(leaf, ngx_cycle->log);
    }

    ngx_memzero(state, sizeof(ngx_http_aws_sigv4_provider_state_t));

    state->name = p->name;
    state->source = leaf->type->name;
    state->used = p->used;

    state->available =
                    ngx_http_aws_sigv4_credentials_usable(leaf->credentials);

    if (leaf->credentials != NULL) {
        state->expires = leaf->credentials->expires;
        state->age = ngx_http_aws_sigv4_provider_age(leaf->credentials->read);

    } else {
        state->age = -1;
    }

    if (leaf->remote != NULL) {
        ngx_http_aws_sigv4_provider_slot(leaf, state);

    } else if (leaf->rc != NGX_OK) {
        state->error = leaf->error;
    }
}


/* what any worker has fetched, also one that this one has no use for */

static void
ngx_http_aws_sigv4_provider_slot(ngx_http_aws_sigv4_provider_t *leaf,
    ngx_http_aws_sigv4_provider_state_t *state)
{
    sigv4_credentials_t           value;
    ngx_http_aws_sigv4_slot_t    *slot;
    ngx_http_aws_sigv4_remote_t  *remote;
    ngx_http_aws_sigv4_shared_t  *set;

    remote = leaf->remote;

    if (remote->slot == NULL) {
        return;
    }

    ngx_shmtx_lock(remote->zone->mutex);

    slot = ngx_http_aws_sigv4_refresh_slot(remote);

    if (slot != NULL) {
        state->fetches = slot->fetches;
        state->failures = slot->failures;

        /* what the last configuration had use for need not be of any now */

        if (slot->fetches != slot->before) {
            state->used = 1;
        }

        set = ngx_http_aws_sigv4_slot_get(slot, &value);

        if (set != NULL) {
            state->age = ngx_http_aws_sigv4_provider_age(slot->fetched);
            state->expires = set->expires;
            state->available = (set->expires == 0
                                || set->expires > ngx_time());
        }

        if (slot->error_len) {
            (void) ngx_http_aws_sigv4_provider_error(leaf, NGX_ERROR, "%*s",
                                                     slot->error_len,
                                                     slot->error);
            state->error = leaf->error;
        }
    }

    ngx_shmtx_unlock(remote->zone->mutex);
}


/* in seconds; another worker may have a later idea of what time it is */

static time_t
ngx_http_aws_sigv4_provider_age(ngx_msec_t since)
{
    ngx_msec_int_t  passed;

    passed = (ngx_msec_int_t) (ngx_current_msec - since);

    return ngx_max(passed, 0) / 1000;
}


ngx_http_aws_sigv4_provider_state_t *
ngx_http_aws_sigv4_provider_states(ngx_http_aws_sigv4_main_conf_t *smcf,
    ngx_http_aws_sigv4_out_t *out, ngx_uint_t *n)
{
    ngx_uint_t                            i;
    ngx_array_t                          *providers;
    ngx_http_aws_sigv4_provider_t       **p;
    ngx_http_aws_sigv4_provider_state_t  *states;

    providers = &smcf->store.providers;

    *n = 0;

    states = ngx_palloc(out->pool, (providers->nelts + 1)
                               * sizeof(ngx_http_aws_sigv4_provider_state_t));
    if (states == NULL) {
        out->failed = 1;
        return NULL;
    }

    p = providers->elts;

    /* none has been loaded if nobody signs */

    for (i = 0; smcf->used && i < providers->nelts; i++) {

        /* members of chains and roles may have no name of their own */

        if (ngx_http_aws_sigv4_provider_find(&smcf->store, &p[i]->name)
            == p[i])
        {
            ngx_http_aws_sigv4_provider_state(p[i], &states[(*n)++]);
        }
    }

    return states;
}
