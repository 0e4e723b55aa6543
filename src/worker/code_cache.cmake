hearth_library(hearth_code_cache
  SOURCES code_cache.cc code_folders.cc
  DEPENDS hearth_archive hearth_base fmt::fmt)
hearth_test(code_cache_test
  SOURCES code_cache_test.cc
  DEPENDS hearth_code_cache LABELS sanitizer TIMEOUT 60)
