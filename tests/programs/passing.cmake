# Acceptance programs (<name>.cc of MICA_PROGRAMS) that must pass, unchanged. A program stands here as soon as it does.
set(MICA_PASSING_PROGRAMS autoencoder custom_layer custom_loss digits_describe digits_fit ensemble errors functional_table shared_embedding subclassed_model ticket_router
    toy_resnet vgg_features)
