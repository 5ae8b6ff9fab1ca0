# exit: 2
# err: did you mean --n-latent?
label --reference a --query b --label c -o d --n-latnt 3
