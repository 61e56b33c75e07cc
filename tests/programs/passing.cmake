# Acceptance programs (<name>.cc of MICA_PROGRAMS) that must pass, unchanged. A program stands here as soon as it does.
set(MICA_PASSING_PROGRAMS)
