/* oip.h - inside deployment/: the Open Inference Protocol v2 over HTTP (KServe, "Predict Protocol - Version 2", with the extension
 * for binary tensors), as bytes: requests read, answers written. */
#pragma once
#include "app/deployment/serve.h"
#include "infer/tensor.h"

enum { OIP_BODY = 96 << 20 };

struct oip_tensor {
    struct tensor is; /* type TENSOR_OTHER: BYTES */
    bool binary;
    uint64_t at, n; /* binary: its bytes in the body; else `at` is where its JSON list begins */
};
struct oip_wanted {
    char name[TENSOR_NAME];
    bool binary;
};
struct oip_request {
    int fd; /* the body, in memory */
    uint64_t size, json_n;
    const char *id, *source, *filename; /* NULL: not sent */
    bool binary_outputs, monitor;
    struct oip_tensor in[TENSORS_MOST];
    struct oip_wanted out[TENSORS_MOST];
    size_t n_in, n_out;
};
/* fd, size and json_n are set; the rest is read. E_INVALID says what is wrong. */
MUST_USE enum err oip_read(struct arena *, struct oip_request *);
/* An input's values, as the network's memory has them. ret: room for is.n_bytes. */
MUST_USE enum err oip_values(const struct oip_request *, const struct oip_tensor *, uint64_t n_bytes, uint8_t *ret);
/* The one element of a BYTES tensor, from a descriptor's place or, of JSON (base64), as a text on the heap. */
MUST_USE enum err oip_one_element(const struct oip_request *, const struct oip_tensor *, uint64_t *ret_at, uint64_t *ret_n,
                                  char **ret_text);

struct oip_output {
    const char *name;
    enum tensor_type type; /* TENSOR_OTHER: `texts` */
    int rank;
    int64_t shape[TENSOR_RANK];
    const uint8_t *data;
    const char *const *texts;
    uint64_t n; /* values */
};
struct oip_answer {
    const char *model, *version, *id, *asset;
    double latency_s;
    const struct oip_output *out;
    size_t n;
};
/* Those that were asked for, each as it was asked for. E_INVALID: there is no such output; E_UNMEANT: JSON cannot tell its values.
 */
MUST_USE enum err oip_write(struct op *, const struct oip_request *, const struct oip_answer *);
