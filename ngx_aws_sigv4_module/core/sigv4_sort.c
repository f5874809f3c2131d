
/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */


#include "sigv4_bytes.h"


/* below this, insertion beats the heap; it is quadratic, so keep it small */
#define SIGV4_INSERTION_SORT      16


static int sigv4_cmp_received(const sigv4_field_t *one,
    const sigv4_field_t *two);
static void sigv4_sift_down(sigv4_field_t *fields, size_t root, size_t n,
    sigv4_field_cmp_pt cmp);


void
sigv4_sort_fields(sigv4_field_t *fields, size_t n)
{
    size_t  i;

    for (i = 0; i < n; i++) {
        fields[i].order = i;
    }

    sigv4_sort(fields, n, sigv4_cmp_received);
}


int
sigv4_cmp_str(sigv4_str_t one, sigv4_str_t two)
{
    int     rc;
    size_t  len;

    len = (one.len < two.len) ? one.len : two.len;

    if (len != 0) {

        /* the first byte tells most apart without a call */

        rc = one.data[0] - two.data[0];

        if (rc == 0) {
            rc = memcmp(one.data, two.data, len);
        }

        if (rc != 0) {
            return rc;
        }
    }

    return (one.len > two.len) - (one.len < two.len);
}


static int
sigv4_cmp_received(const sigv4_field_t *one, const sigv4_field_t *two)
{
    int  rc;

    rc = sigv4_cmp_str(one->name, two->name);

    if (rc != 0) {
        return rc;
    }

    return (one->order > two->order) - (one->order < two->order);
}


void
sigv4_sort(sigv4_field_t *fields, size_t n, sigv4_field_cmp_pt cmp)
{
    size_t         i, j;
    sigv4_field_t  field;

    if (n <= SIGV4_INSERTION_SORT) {

        for (i = 1; i < n; i++) {

            if (cmp(&fields[i - 1], &fields[i]) <= 0) {
                continue;
            }

            field = fields[i];

            for (j = i; j > 0 && cmp(&fields[j - 1], &field) > 0; j--) {
                fields[j] = fields[j - 1];
            }

            fields[j] = field;
        }

        return;
    }

    for (i = n / 2; i > 0; i--) {
        sigv4_sift_down(fields, i - 1, n, cmp);
    }

    for (i = n - 1; i > 0; i--) {
        field = fields[0];
        fields[0] = fields[i];
        fields[i] = field;

        sigv4_sift_down(fields, 0, i, cmp);
    }
}


static void
sigv4_sift_down(sigv4_field_t *fields, size_t root, size_t n,
    sigv4_field_cmp_pt cmp)
{
    size_t         child;
    sigv4_field_t  field;

    field = fields[root];

    for ( ;; ) {
        child = 2 * root + 1;

        if (child >= n) {
            break;
        }

        if (child + 1 < n && cmp(&fields[child], &fields[child + 1]) < 0) {
            child++;
        }

        if (cmp(&field, &fields[child]) >= 0) {
            break;
        }

        fields[root] = fields[child];
        root = child;
    }

    fields[root] = field;
}
