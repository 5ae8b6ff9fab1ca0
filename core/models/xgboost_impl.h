/* xgboost_impl.h -- the library's functions as we declare them, and what parent and guest agree on.
 * Own prototypes (the ABI shared by 1.7 and 3.x), so that no header of XGBoost is needed to build. */
#ifndef CLAB_XGBOOST_IMPL_H
#define CLAB_XGBOOST_IMPL_H

#include "models/xgboost.h"

typedef void *clab__xgb_handle;
typedef void clab__xgb_reset(void *iter);
typedef int clab__xgb_next(void *iter);

/* Every call returns 0, or -1 with words from XGBGetLastError, where its type is int. */
#define CLAB__XGB_MAP(X)                                                                                     \
    X(void, XGBoostVersion, (int *major, int *minor, int *patch))                                            \
    X(const char *, XGBGetLastError, (void))                                                                 \
    X(int, XGBSetGlobalConfig, (const char *json))                                                           \
    X(int, XGDMatrixCreateFromDense, (const char *array, const char *config, clab__xgb_handle *out))         \
    X(int, XGDMatrixSetInfoFromInterface, (clab__xgb_handle m, const char *field, const char *array))        \
    X(int, XGDMatrixFree, (clab__xgb_handle m))                                                              \
    X(int, XGProxyDMatrixCreate, (clab__xgb_handle *out))                                                    \
    X(int, XGProxyDMatrixSetDataDense, (clab__xgb_handle proxy, const char *array))                          \
    X(int, XGQuantileDMatrixCreateFromCallback,                                                              \
      (void *iter, clab__xgb_handle proxy, clab__xgb_handle ref, clab__xgb_reset *reset,                     \
       clab__xgb_next *next, const char *config, clab__xgb_handle *out))                                     \
    X(int, XGBoosterCreate, (const clab__xgb_handle *cache, uint64_t n, clab__xgb_handle *out))              \
    X(int, XGBoosterFree, (clab__xgb_handle b))                                                              \
    X(int, XGBoosterSetParam, (clab__xgb_handle b, const char *name, const char *value))                     \
    X(int, XGBoosterSetAttr, (clab__xgb_handle b, const char *name, const char *value))                      \
    X(int, XGBoosterUpdateOneIter, (clab__xgb_handle b, int round, clab__xgb_handle train))                  \
    X(int, XGBoosterEvalOneIter,                                                                             \
      (clab__xgb_handle b, int round, clab__xgb_handle *m, const char **names, uint64_t n, const char **out)) \
    X(int, XGBoosterPredictFromDMatrix,                                                                      \
      (clab__xgb_handle b, clab__xgb_handle m, const char *config, const uint64_t **shape, uint64_t *dim,    \
       const float **out))                                                                                   \
    X(int, XGBoosterSaveModelToBuffer,                                                                       \
      (clab__xgb_handle b, const char *config, uint64_t *n, const char **out))                               \
    X(int, XGBoosterLoadModelFromBuffer, (clab__xgb_handle b, const void *bytes, uint64_t n))

typedef struct {
    void *dl;
    char version[16], path[256];
#define X(type, name, args) type(*name) args;
    CLAB__XGB_MAP(X)
#undef X
} clab__xgb;

/* clab__xgb_load -- the first library >= 1.7 of $CELLLAB_XGBOOST, libxgboost.so.0, libxgboost.so.
 * ENOTFOUND names what was tried and the package.  For guests only: never unloaded, because its
 * OpenMP threads stay. */
CLAB_MUST_CHECK clab_status clab__xgb_load(clab_ctx *cx, int threads, clab__xgb *lib);

/* clab__xgb_call -- CLAB_OK for rc 0, else EBACKEND with the library's own words. */
CLAB_MUST_CHECK clab_status clab__xgb_call(clab_ctx *cx, const clab__xgb *lib, const char *doing, int rc);

/* ---- the conversation ---------------------------------------------------------------------------
 * train     ->  options; labels i32 (n_rows), is_valid u8 (n_rows); the rows as float32
 *           <-  CLAB__XGB_ROUND, metrics f64 (2 or 4), once a round; CLAB__XGB_MODEL, the model
 * predict   ->  options, the model; then blocks: n i64, rows as float32; n = 0 ends
 *           <-  per block: n x n_classes float32
 * probe     <-  version, path */
enum { CLAB__XGB_ROUND = 1, CLAB__XGB_MODEL = 2 };

/* The metrics of a round in the order of the wire; without validation rows only the first two. */
#define CLAB__XGB_N_METRICS 4
extern const char *const clab__xgb_metrics[CLAB__XGB_N_METRICS];

#define CLAB__XGB_MAX_MODEL ((int64_t)1 << 32)

#endif
