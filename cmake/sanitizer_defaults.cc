// What every executable of a sanitized build asks of the sanitizers; the environment can ask otherwise.

// LeakSanitizer's tracer crashes now and then while it reads the thread-local storage of threads that are ending.
extern "C" const char* __asan_default_options() { return "intercept_tls_get_addr=0"; }

// What is suppressed is no message of the program.
extern "C" const char* __lsan_default_options() { return "print_suppressions=0"; }

// Graphviz and what it draws text with keep caches for the life of the process.
extern "C" const char* __lsan_default_suppressions() {
  return "leak:libgvc\n"
         "leak:libfontconfig\n"
         "leak:libpango\n"
         "leak:libglib\n";
}
