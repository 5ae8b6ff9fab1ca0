/* evaluate.h -- how good labels are: scikit-learn's definitions. K classes, sorted in plain order. */
#ifndef CLAB_EVALUATE_H
#define CLAB_EVALUATE_H

#include "data/value.h"

typedef struct {
    int64_t n;                 /* cells counted: truth and prediction both present */
    int64_t n_skipped;         /* one of them missing */
    int k;
    clab_value *classes;       /* STRINGS (k): union of both, plain order */
    double accuracy, balanced_accuracy, macro_f1, weighted_f1;
    double *precision, *recall, *f1;   /* k; 0 where undefined */
    int64_t *support;          /* k: truth */
    int64_t *confusion;        /* k x k, rows truth */
} clab_evaluation;

/* clab_evaluate -- two columns of one length, any label kinds. */
CLAB_MUST_CHECK clab_status clab_evaluate(clab_ctx *cx, const clab_value *truth, const clab_value *predicted, clab_evaluation *out);
void clab_evaluation_free(clab_ctx *cx, clab_evaluation *e);
/* Table for the terminal, CSV, JSON, and an SVG of the confusion matrix; caller free()s *out. */
CLAB_MUST_CHECK clab_status clab_evaluation_table(clab_ctx *cx, const clab_evaluation *e, char **out);
CLAB_MUST_CHECK clab_status clab_evaluation_csv(clab_ctx *cx, const clab_evaluation *e, char **out);
CLAB_MUST_CHECK clab_status clab_evaluation_json(clab_ctx *cx, const clab_evaluation *e, char **out);
CLAB_MUST_CHECK clab_status clab_evaluation_text(clab_ctx *cx, const clab_evaluation *e, char **out); /* confusion matrix as text */
CLAB_MUST_CHECK clab_status clab_evaluation_svg(clab_ctx *cx, const clab_evaluation *e, char **out);
/* Histogram of a numeric column: text (bars) and SVG. */
CLAB_MUST_CHECK clab_status clab_histogram_text(clab_ctx *cx, const clab_value *column, int bins, const char *title, char **out);
CLAB_MUST_CHECK clab_status clab_histogram_svg(clab_ctx *cx, const clab_value *column, int bins, const char *title, char **out);

#endif
