/* What a compiled model is: plain C structs, the same for programs compiled in the process, ahead of time and for a
 * GPU. All counts and references are indices into the arrays of MicaProgram. A program is immutable and shared by all
 * threads. */
#ifndef MICA_RUNTIME_ABI_H_
#define MICA_RUNTIME_ABI_H_
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define MICA_ABI_VERSION 2

/* A kernel computes iterations [begin, end) of its parallel loop. `dims` are the values of the kernel's own symbols.
 * When the step has an error word, the runtime passes it (a MicaErrorWord) as one more buffer after the step's
 * arguments. */
typedef void (*MicaKernelFn)(void* const* buffers, const int64_t* dims, int64_t begin, int64_t end);

/* The first failure of a run: step + 1 (0: none), a code of the kernel, the flat position and the value found there.
 * A kernel that fails while `step` is 0 stores step = 1 and the other fields, and goes on. The runtime gives each piece
 * of a parallel loop a word of its own, keeps the failure with the smallest position and puts the number of the step
 * in: run steps first, then init steps, then loop steps. */
typedef struct MicaErrorWord {
  int64_t step, code, position, value;
} MicaErrorWord;

/* sum of coefficient * product of symbols */
typedef struct MicaDimTerm {
  int64_t coefficient;
  uint32_t first_factor, num_factors; /* in `factors` */
} MicaDimTerm;
typedef struct MicaDim {
  uint32_t first_term, num_terms; /* in `terms`; no terms: 0 */
} MicaDim;

/* A plain symbol is read from an axis of an input; a quotient is derived. Symbols are in order: a quotient after what
 * it needs. */
typedef struct MicaSymbol {
  const char* name;
  int64_t divisor;    /* 0: plain */
  uint32_t numerator; /* in `dims` */
  uint32_t buffer, axis;
} MicaSymbol;

/* What the program asks of the sizes of its inputs beyond dims that are not negative: that `slack` is not. An error
 * names the layer, what was expected and the dim that was received. */
typedef struct MicaBound {
  uint32_t slack, received; /* in `dims` */
  const char *expected, *layer;
} MicaBound;

enum MicaSpace {
  MICA_INPUT,    /* the caller's array */
  MICA_VARIABLE, /* the current value of a Variable */
  MICA_RESULT,   /* handed to the caller: a fresh array */
  MICA_UPDATE,   /* the new value of a Variable; `link` is its MICA_VARIABLE buffer, whose storage it may take when
                    `in_place` */
  MICA_ARENA,    /* scratch of the context */
  MICA_INIT,     /* made by the init steps, kept until a Variable changes */
  MICA_CONSTANT, /* `data` */
  MICA_VIEW      /* the storage of buffer `link` from element `offset` on, under other dims */
};

typedef struct MicaBuffer {
  const char* name;
  uint8_t space, dtype /* mica::DType::Kind */, in_place, rank;
  uint32_t first_dim; /* `rank` entries of `dims` */
  uint32_t link;
  uint32_t offset; /* in `dims`; views */
  const void* data;
  uint32_t first_step, last_step; /* arena: live range, in run steps */
} MicaBuffer;

enum MicaStepKind { MICA_KERNEL, MICA_LIBRARY, MICA_COPY, MICA_LOOP };

typedef struct MicaStep {
  uint8_t kind;
  uint8_t has_error_word;
  uint32_t callee;              /* kernels[] or library[] or loops[] */
  uint32_t first_arg, num_args; /* args[]: buffers */
  uint32_t first_dim, num_dims; /* step_dims[]: values of the kernel's symbols */
  uint32_t extent;              /* dims[]: iterations of the parallel loop */
  int64_t grain;                /* iterations that are worth a thread; 0: one piece */
  const char* name;             /* "conv2d_relu" */
  const char* layer;            /* "encoder/conv1": where it comes from */
} MicaStep;

/* A call of a library primitive, described by value; the runtime builds the primitive when dims are bound.
 * A MICA_INIT buffer of packed weights is declared with the dims of the plain ones; the runtime decides its bytes. */
enum MicaLibraryKind {
  MICA_MATMUL, /* args: a, b, [bias], epilogue operands…, out */
  MICA_CONV,   /* args: x, kernel, [bias], epilogue operands…, out; channels last, kernel [k…, in/groups, out] */
  MICA_CONV_GRAD_INPUT,  /* args: dy, kernel, dx; also the transposed convolution: [bias], epilogue operands…, out */
  MICA_CONV_GRAD_KERNEL, /* args: x, dy, dkernel */
  MICA_PACK_MATMUL,      /* init: args: b, packed */
  MICA_PACK_CONV         /* init: args: kernel, packed */
};
/* Epilogues apply to the result in their order, named as the operations are.
 * Unary: relu (alpha: slope below zero), leaky_relu (alpha), tanh, sigmoid, gelu, gelu_tanh, elu (alpha), silu, clip
 * (alpha … beta), sqrt, abs, and sum: the former contents of `out` are added. Binary, the operand of the result's
 * shape, of its channels or a scalar: add, subtract, multiply, divide, maximum, minimum. */
enum MicaEpilogueKind { MICA_EPILOGUE_UNARY, MICA_EPILOGUE_BINARY };
typedef struct MicaEpilogue {
  uint8_t kind;
  char op[15];
  float alpha, beta;
} MicaEpilogue;
typedef struct MicaLibraryCall {
  uint8_t kind;
  uint8_t transpose_a, transpose_b, has_bias,
      packed; /* packed: the weights argument is a MICA_INIT buffer of the matching pack call */
  uint8_t spatial_rank;
  int64_t strides[3], dilations[3], pad_low[3], pad_high[3], groups;
  uint32_t first_epilogue, num_epilogues;
  uint32_t pack_of; /* pack calls: the library call whose layout they make */
} MicaLibraryCall;

/* MICA_LOOP: run `num_steps` steps of `loop_steps` from `first_step` on, `trip_count` times; sliced buffers advance
 * each time, carried ones take what the time before wrote. */
typedef struct MicaLoop {
  uint32_t trip_count; /* dims[] */
  uint32_t first_step, num_steps;
  uint8_t reverse;
  uint32_t first_slice, num_slices;  /* loop_slices[] */
  uint32_t first_carry, num_carries; /* loop_carries[] */
} MicaLoop;
typedef struct MicaLoopSlice {
  uint32_t buffer, whole; /* view buffer `buffer` is row t of buffer `whole` */
} MicaLoopSlice;
/* A state: view buffer `state` is its value before an iteration, view buffer `next` the one that the iteration writes.
 * The first iteration reads `initial` where it lies; they write `last` and `spare` in turn, so that the last iteration
 * writes `last`. Without iterations `initial` is copied to `last`. */
typedef struct MicaLoopCarry {
  uint32_t state, next, initial, last, spare;
} MicaLoopCarry;

typedef struct MicaProgram {
  uint32_t abi_version;
  const char* name;
  const MicaBuffer* buffers;
  uint32_t num_buffers;
  const MicaSymbol* symbols;
  uint32_t num_symbols;
  const MicaDim* dims;
  uint32_t num_dims;
  const MicaDimTerm* terms;
  uint32_t num_terms;
  const uint32_t* factors; /* symbols */
  uint32_t num_factors;
  const MicaBound* bounds;
  uint32_t num_bounds;
  const uint32_t* step_dims; /* dims[] */
  uint32_t num_step_dims;
  const uint32_t* args; /* buffers */
  uint32_t num_args;
  const MicaStep *init, *run, *loop_steps;
  uint32_t num_init, num_run, num_loop_steps;
  const MicaKernelFn* kernels;
  uint32_t num_kernels;
  const MicaLibraryCall* library;
  uint32_t num_library;
  const MicaEpilogue* epilogues;
  uint32_t num_epilogues;
  const MicaLoop* loops;
  uint32_t num_loops;
  const MicaLoopSlice* loop_slices;
  uint32_t num_loop_slices;
  const MicaLoopCarry* loop_carries;
  uint32_t num_loop_carries;
  /* Buffers in the order of the call. A result is a MICA_RESULT, or an input, a variable or an update handed through.
   */
  const uint32_t *inputs, *variables, *results, *updates;
  uint32_t num_inputs, num_variables, num_results, num_updates;
} MicaProgram;

#ifdef __cplusplus
}
#endif
#endif /* MICA_RUNTIME_ABI_H_ */
