/* roles.c -- the guest roles of all rooms. */
#include "roles.h"

#include <stddef.h>

#include "io/io.h"
#include "models/xgboost.h"

const clab_guest_role clab_roles[] = {
    {"h5-read", clab_h5_guest_read},
    {"h5-rows", clab_h5_guest_rows},
    {"text-read", clab_text_guest_read},
    {"h5-write", clab_h5_guest_write},
    {"inspect", clab_guest_inspect},
    {"h5-read-value", clab_h5_guest_read_value},
    {"xgboost-train", clab_xgb_guest_train},
    {"xgboost-predict", clab_xgb_guest_predict},
    {"xgboost-probe", clab_xgb_guest_probe},
    {NULL, NULL},
};
