# Acceptance programs (<name>.cc of MICA_PROGRAMS) that must pass, unchanged. A program stands here as soon as it does.
set(MICA_PASSING_PROGRAMS autoencoder cnn_hooks custom_layer custom_loss digits_describe digits_fit ensemble errors functional_table linear_regression mlp_dataloader
    shared_embedding subclassed_model ticket_router toy_resnet vgg_features)
