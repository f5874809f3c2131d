
/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * What is to come out of each stage for the requests of vectors_test.c.
 * Signatures are those of awscrt 0.16.8 and, but for 11 and 12, botocore.
 */


#ifndef _VECTORS_H_INCLUDED_
#define _VECTORS_H_INCLUDED_


typedef struct {
    const char                   *name;
    const char                   *canonical_request;
    const char                   *string_to_sign;   /* NULL: not known */
    const char                   *signature;
} vector_t;


static const vector_t  vectors[] = {

    { "1",
      "POST\n"
      "/model/anthropic.claude-3-haiku-20240307-v1%253A0/invoke\n"
      "\n"
      "content-type:application/json\n"
      "host:bedrock-runtime.us-west-2.amazonaws.com\n"
      "x-amz-date:20250214T235959Z\n"
      "\n"
      "content-type;host;x-amz-date\n"
      "616eb59224eb795b641b4c541ad9ee8b939a1e8798f73b54fce66bb79ddbb992",
      "AWS4-HMAC-SHA256\n"
      "20250214T235959Z\n"
      "20250214/us-west-2/bedrock/aws4_request\n"
      "9ef1d34f0213c1e5de6822e735c855b95f9c1f07a5ebeea45f8ef12084f05e4b",
      "cd2d8718bfccf5e18d047a8149ba0831bb0fdcf7bef9044ce8191e560eae95ac" },

    { "2",
      "GET\n"
      "/example-bucket/reports/Q1%20%28final%29%2Bv2~.csv\n"
      "\n"
      "host:s3.eu-central-1.amazonaws.com\n"
      "range:bytes=0-1023\n"
      "x-amz-content-sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934"
      "ca495991b7852b855\n"
      "x-amz-date:20250214T235959Z\n"
      "\n"
      "host;range;x-amz-content-sha256;x-amz-date\n"
      "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
      "AWS4-HMAC-SHA256\n"
      "20250214T235959Z\n"
      "20250214/eu-central-1/s3/aws4_request\n"
      "686bea75dfc1cb58e41b045b3a214fa12c9df3cd4ec255b676f2e97b4ec6c3cc",
      "15c7ecb3dbcae4b6b37b35a18efade6518fa4680ad0cd9f9cd8ec3180e5db77a" },

    { "3",
      "DELETE\n"
      "/a//b/./c/../d%2Fe\n"
      "versionId=null\n"
      "host:example-bucket.s3.us-east-1.amazonaws.com\n"
      "x-amz-content-sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934"
      "ca495991b7852b855\n"
      "x-amz-date:20250214T235959Z\n"
      "\n"
      "host;x-amz-content-sha256;x-amz-date\n"
      "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
      "AWS4-HMAC-SHA256\n"
      "20250214T235959Z\n"
      "20250214/us-east-1/s3/aws4_request\n"
      "1eeb3c96927779af18fb1a3f0a406e12014b2c0bae9bacb447a8da52824f5d1b",
      "a9b447b21a25ca10c9d6135fa211ccd92650b636f13a598d1c22af5002235c91" },

    { "4",
      "GET\n"
      "/prod/v1/snow%25E2%2598%2583/caf%25E9/\n"
      "\n"
      "host:a1b2c3d4e5.execute-api.ap-southeast-2.amazonaws.com\n"
      "x-amz-date:20250214T235959Z\n"
      "\n"
      "host;x-amz-date\n"
      "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
      "AWS4-HMAC-SHA256\n"
      "20250214T235959Z\n"
      "20250214/ap-southeast-2/execute-api/aws4_request\n"
      "b15920ffd800bf6575c83a6b1234267c0e8c9e7c9488cf948602ef9fddfc4713",
      "e60dc614216e3d7e4d6cdb1893cf51d1b6682e625334d14d133f10029878d420" },

    { "5",
      "GET\n"
      "/\n"
      "A=1&a=&a=1&a%5Bb%5D=q%2Fr&a-b=1&b=2&d=x%20y&e=~tilde~&flag=&x=%2B&z="
      "1%3D2\n"
      "host:search-logs-abc123.us-east-1.es.amazonaws.com\n"
      "x-amz-date:20250214T235959Z\n"
      "\n"
      "host;x-amz-date\n"
      "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
      "AWS4-HMAC-SHA256\n"
      "20250214T235959Z\n"
      "20250214/us-east-1/es/aws4_request\n"
      "c3b59d15bbd906f81b5b53a91b7c7f276631ab9f28e55eb59d8dd1353c334286",
      "c376d401e2a8b8300016b0b39b455688839f597e252bf101aea3d3ab4bd04452" },

    { "6",
      "GET\n"
      "/status\n"
      "\n"
      "accept:*/*\n"
      "host:vpce-0123456789abcdef0-abcdefgh.execute-api.eu-west-1.vpce.amaz"
      "onaws.com:8443\n"
      "x-amz-date:20250214T235959Z\n"
      "x-empty:\n"
      "x-multi:first value,second value,a\" quoted \"b\n"
      "\n"
      "accept;host;x-amz-date;x-empty;x-multi\n"
      "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
      "AWS4-HMAC-SHA256\n"
      "20250214T235959Z\n"
      "20250214/eu-west-1/execute-api/aws4_request\n"
      "51fdf1dd691739289b13f910b4dda8934e06f6d886b5fa3142975f748d36b090",
      "58121f44fb6b598a16bde17f147e20d9c3127a881f40a9449a7ac8a1135935c8" },

    { "7",
      "POST\n"
      "/\n"
      "\n"
      "content-type:application/x-www-form-urlencoded; charset=utf-8\n"
      "host:sts.us-gov-west-1.amazonaws.com\n"
      "x-amz-date:20250214T235959Z\n"
      "x-amz-security-token:FwoGZXIvYXdzEXAMPLE//TOKEN+with/slashes==\n"
      "\n"
      "content-type;host;x-amz-date;x-amz-security-token\n"
      "ab821ae955788b0e33ebd34c208442ccfc2d406e2edc5e7a39bd6458fbb4f843",
      "AWS4-HMAC-SHA256\n"
      "20250214T235959Z\n"
      "20250214/us-gov-west-1/sts/aws4_request\n"
      "51a8caf21a831269f94e718d00138a0e2a43532f26a95b0099dc6bf7575c2f85",
      "0cc46fa74ee781de568ac28791e3c438bdad2cc27efc1545c6047caa783b351c" },

    { "8",
      "PUT\n"
      "/upload.bin\n"
      "partNumber=2&uploadId=VCVsb2FkIElEIGZvciBlbHZpbmcncyBteS1tb3ZpZS5tMn"
      "Rz\n"
      "content-type:application/octet-stream\n"
      "host:example-bucket.s3.dualstack.us-east-2.amazonaws.com\n"
      "x-amz-checksum-crc32:y/Q5Jg==\n"
      "x-amz-content-sha256:UNSIGNED-PAYLOAD\n"
      "x-amz-date:20250214T235959Z\n"
      "\n"
      "content-type;host;x-amz-checksum-crc32;x-amz-content-sha256;x-amz-da"
      "te\n"
      "UNSIGNED-PAYLOAD",
      "AWS4-HMAC-SHA256\n"
      "20250214T235959Z\n"
      "20250214/us-east-2/s3/aws4_request\n"
      "8343b25757d380aae9380c862e80a2de84b2209937eb8a4bcdf2db761eb028f6",
      "e0716f6f98c1358fe93083bbd8fbc42862ec1c2955a73b4b1fb43a1580f765fc" },

    { "9",
      "POST\n"
      "/\n"
      "\n"
      "host:aps-workspaces.eu-west-2.amazonaws.com\n"
      "x-amz-date:20250214T235959Z\n"
      "\n"
      "host;x-amz-date\n"
      "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
      "AWS4-HMAC-SHA256\n"
      "20250214T235959Z\n"
      "20250214/eu-west-2/aps/aws4_request\n"
      "feef113733d04d0bc362a4d7cf3f9939de8d6bd3419e70b7e4e0799b7ca2b7a2",
      "8c205cb96e1b1555226f0c1577d303976c7b183f537d932429e5a1a28fdcc31a" },

    { "10",
      "GET\n"
      "/photos/%E5%9B%B3%201.png\n"
      "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIDEXAMPLE%2F2025"
      "0214%2Fap-northeast-1%2Fs3%2Faws4_request&X-Amz-Date=20250214T235959"
      "Z&X-Amz-Expires=3600&X-Amz-Security-Token=FwoGZXIvYXdzEXAMPLE%2F%2FT"
      "OKEN%2Bwith%2Fslashes%3D%3D&X-Amz-SignedHeaders=host&response-conten"
      "t-disposition=attachment%3B%20filename%3D%22a%20b.png%22\n"
      "host:example-bucket.s3.ap-northeast-1.amazonaws.com\n"
      "\n"
      "host\n"
      "UNSIGNED-PAYLOAD",
      "AWS4-HMAC-SHA256\n"
      "20250214T235959Z\n"
      "20250214/ap-northeast-1/s3/aws4_request\n"
      "0ddb30b2a9fd1f7993ce90eb8ccc7e42fb0bcffd47d684ece06a5371683ca078",
      "f18a16d6e798255e7d66aa711f37f9b48345e36e9b9881ec9e28223bbe9ef0bc" },

    { "11",
      "GET\n"
      "/mqtt\n"
      "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIDEXAMPLE%2F2025"
      "0214%2Fus-east-1%2Fiotdevicegateway%2Faws4_request&X-Amz-Date=202502"
      "14T235959Z&X-Amz-SignedHeaders=host\n"
      "host:a1b2c3d4e5f6g7-ats.iot.us-east-1.amazonaws.com\n"
      "\n"
      "host\n"
      "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
      "AWS4-HMAC-SHA256\n"
      "20250214T235959Z\n"
      "20250214/us-east-1/iotdevicegateway/aws4_request\n"
      "53606b032161206418ef1dafc9a354ea15adf54ab6f4cf271b1842ac0796c7bc",
      "a79798dc1c6cccf9847a7c4874ca5f9d7fc33ede57366642cc176fd8b0674874" },

    { "12a",
      "PUT\n"
      "/stream.bin\n"
      "\n"
      "content-encoding:aws-chunked\n"
      "content-type:application/octet-stream\n"
      "host:example-bucket.s3.us-west-2.amazonaws.com\n"
      "x-amz-content-sha256:STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER\n"
      "x-amz-date:20250214T235959Z\n"
      "x-amz-decoded-content-length:20000\n"
      "x-amz-trailer:x-amz-checksum-crc32c\n"
      "\n"
      "content-encoding;content-type;host;x-amz-content-sha256;x-amz-date;x"
      "-amz-decoded-content-length;x-amz-trailer\n"
      "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER",
      "AWS4-HMAC-SHA256\n"
      "20250214T235959Z\n"
      "20250214/us-west-2/s3/aws4_request\n"
      "c150c35891f27fcbb1416f57445b65ad70ea48c49065ce32cb5999c93636da64",
      "9caa0d29cd9345fc6aa6248d7bede5300870729517da868fa075f3f5304d2730" },

    { "12b",
      "PUT\n"
      "/stream.bin\n"
      "\n"
      "content-encoding:aws-chunked\n"
      "content-type:application/octet-stream\n"
      "host:example-bucket.s3.us-west-2.amazonaws.com\n"
      "x-amz-content-sha256:STREAMING-AWS4-HMAC-SHA256-PAYLOAD\n"
      "x-amz-date:20250214T235959Z\n"
      "x-amz-decoded-content-length:20000\n"
      "\n"
      "content-encoding;content-type;host;x-amz-content-sha256;x-amz-date;x"
      "-amz-decoded-content-length\n"
      "STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
      NULL,
      "09ab316eb7547811de9ce858c776c8988bfad2c3da9a2e003b2f10695afc19dc" },

    { "12c",
      "PUT\n"
      "/stream.bin\n"
      "\n"
      "content-encoding:aws-chunked\n"
      "content-type:application/octet-stream\n"
      "host:example-bucket.s3.us-west-2.amazonaws.com\n"
      "x-amz-content-sha256:STREAMING-UNSIGNED-PAYLOAD-TRAILER\n"
      "x-amz-date:20250214T235959Z\n"
      "x-amz-decoded-content-length:20000\n"
      "x-amz-trailer:x-amz-checksum-crc32c\n"
      "\n"
      "content-encoding;content-type;host;x-amz-content-sha256;x-amz-date;x"
      "-amz-decoded-content-length;x-amz-trailer\n"
      "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
      NULL,
      "df948ad4f614c8eaee62f290ad2a33647ceaacfb1a52bdf2440648b6f7b2125c" }
};


#endif /* _VECTORS_H_INCLUDED_ */
