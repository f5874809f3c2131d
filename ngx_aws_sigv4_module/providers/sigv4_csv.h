
/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * The files with an access key that the AWS console hands out: CSV with a
 * header, in which the columns are found by their names, or the old
 * rootkey.csv of lines AWSAccessKeyId=... and AWSSecretKey=....
 */


#ifndef _SIGV4_CSV_H_INCLUDED_
#define _SIGV4_CSV_H_INCLUDED_


#include "core/sigv4.h"


/* the strings point into the text and are not empty */
typedef struct {
    sigv4_str_t                   access_key_id;
    sigv4_str_t                   secret_access_key;
    const char                   *error;      /* of SIGV4_INVALID */
} sigv4_csv_t;


/* the key of the first row: SIGV4_OK or SIGV4_INVALID */
int sigv4_csv_read(sigv4_csv_t *csv, sigv4_str_t text);


#endif /* _SIGV4_CSV_H_INCLUDED_ */
