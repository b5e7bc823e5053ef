/* signing.h - AWS Signature Version 4 as S3 wants it (docs.aws.amazon.com, "Authenticating Requests (AWS Signature Version 4)"). */
#pragma once
#include "s3/s3.h"

struct s3_pair {
    const char *name, *value; /* of a header in small letters; of a query as it is, not encoded */
};
struct s3_signed {
    const char *method, *host;
    const char *path;                      /* "/a b", not encoded */
    const struct s3_pair *query, *headers; /* headers: besides host, x-amz-date, x-amz-content-sha256 and x-amz-security-token */
    size_t n_query, n_headers;
    const char *payload; /* SHA-256 of the body in hex, or "UNSIGNED-PAYLOAD" */
    int64_t at_ms;
};
#define S3_EMPTY "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define S3_UNSIGNED "UNSIGNED-PAYLOAD"

/* "/a%20b?x=y", as it is signed and as it must be sent. */
char *s3_target(struct arena *, const struct s3_signed *);
/* "20130524T000000Z" */
char *s3_date(struct arena *, int64_t at_ms);
/* The value of the header Authorization. */
char *s3_authorization(struct arena *, const struct s3_place *, const struct s3_signed *);
/* The target with the signature in its query, for so many seconds. */
char *s3_signed_target(struct arena *, const struct s3_place *, const struct s3_signed *, int seconds);
